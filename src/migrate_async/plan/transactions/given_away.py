"""Objects that calls change or refresh: `apply(user, body)`, `user.rename(name)`, `save(db, user)`.

Whoever changes them may know no session, and whoever commits may not know what has been changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.sites import CallSite
from migrate_async.model import syntax as s
from migrate_async.plan import blocks
from migrate_async.plan.transactions.commits import refreshes
from migrate_async.plan.transactions.positions import positions

Writes = Callable[[s.Stmt], Iterator[s.Name]]
Commits = Callable[[Function, s.Stmt], bool]


class GivenAway:
    """Answers for one project.

    `writes` tells what a statement changes by itself, `commits` whether one commits, be it through
    what it calls.
    """

    def __init__(self, project: Project, writes: Writes, commits: Commits) -> None:
        self._project = project
        self._writes = writes
        self._commits = commits
        self._changed: dict[Function, frozenset[str]] = {}
        self._fresh: dict[tuple[Function, str], bool] = {}

    def changed_by(self, sites: Iterable[CallSite]) -> Iterator[s.Name]:
        """The variables of which functions of the project that `sites` call change the objects."""
        for site in sites:
            if not isinstance(site.node, s.Call):
                continue
            func = site.node.func
            owner = func.value if isinstance(func, s.Attribute) else None
            if isinstance(owner, s.Name) and any(map(self._changes_self, site.targets)):
                yield owner
            for target, parameter, value in self._project.passes(site.node, site.scope):
                if isinstance(value, s.Name) and parameter.name in self._changed_in(target):
                    yield value

    def _changes_self(self, function: Function) -> bool:
        is_method = function.cls is not None and bool(function.params)
        return is_method and function.params[0].name in self._changed_in(function)

    def _changed_in(self, function: Function) -> frozenset[str]:
        """The parameters of `function` whose objects it changes, or has others change."""
        if function not in self._changed:
            self._changed[function] = frozenset()
            self._changed[function] = self._find(function)
        return self._changed[function]

    def _find(self, function: Function) -> frozenset[str]:
        if not isinstance(function.node, s.FunctionDef):
            return frozenset()
        names = {parameter.name for parameter in function.params}
        own = {
            node.id
            for statement in blocks.statements(function.node.body)
            for node in self._writes(statement)
        }
        sites = (site for site in self._project.calls(function) if site.kind == "call")
        return frozenset(names & (own | {node.id for node in self.changed_by(sites)}))

    def refreshed_by(self, sites: Iterable[CallSite]) -> Iterator[str]:
        """The variables whose objects are up to date after the commits of what `sites` call."""
        for site in sites:
            if not isinstance(site.node, s.Call):
                continue
            told: dict[str, bool] = {}
            for target, parameter, value in self._project.passes(site.node, site.scope):
                if isinstance(value, s.Name):
                    is_fresh = self._is_fresh(target, parameter.name)
                    told[value.id] = told.get(value.id, True) and is_fresh
            yield from (name for name, is_fresh in told.items() if is_fresh)

    def _is_fresh(self, function: Function, name: str) -> bool:
        """Whether `function` refreshes its parameter `name`, or will, because it reads it.

        That is after a commit of its own, or in what it calls.
        """
        key = (function, name)
        if key not in self._fresh:
            self._fresh[key] = False
            self._fresh[key] = self._finds_refresh(function, name)
        return self._fresh[key]

    def _finds_refresh(self, function: Function, name: str) -> bool:
        if not isinstance(function.node, s.FunctionDef):
            return False
        if any(refreshes(part, name) for part in blocks.statements(function.node.body)):
            return True
        if any(
            self._commits(function, position.statement) and position.reads_later(name)
            for position in positions(function.node.body)
        ):
            return True
        return name in self.refreshed_by(self._project.calls(function))
