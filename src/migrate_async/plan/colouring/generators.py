"""Generators that become async ones, and those who iterate over them.

`async for`, also in a list comprehension, and responses that stream take an async generator;
`list()`, `sum()`, `next()`, generator expressions and `yield from` do not; a dependency that passes
another one's session on by `yield from` enters it as a context manager instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, last_name
from migrate_async.index.sites import CallSite
from migrate_async.model import syntax as s
from migrate_async.model.plan import Reason
from migrate_async.plan.text import source_if_simple

_STREAMS = frozenset({"StreamingResponse", "EventSourceResponse"})
_CONTEXTS = frozenset({"contextmanager", "asynccontextmanager"})


def passed_on(project: Project, function: Function, node: s.Yield) -> s.Call | None:
    """The call in `yield from get_session()`, by which a dependency gives what another one gives.

    Only where the statement can be written anew: `async with asynccontextmanager(...)() as db:`.
    """
    call = node.value
    if function not in project.session_dependencies or not isinstance(call, s.Call):
        return None
    statement = project.statement_of(node)
    if not isinstance(statement, s.ExpressionStatement) or statement.value is not node:
        return None
    if not source_if_simple(call):
        return None
    sites = [site for site in project.calls(function) if site.node is call]
    targets = [target for site in sites for target in site.targets]
    known = bool(targets) and all(t in project.session_dependencies for t in targets)
    return call if known else None


class Generators:
    """Answers for one project."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def obstacle(self, function: Function, coloured: Mapping[Function, Reason]) -> Reason | None:
        """Why `function` cannot be a coroutine, if a generator is the reason."""
        if function.is_generator and not function.is_async:
            for found in function.yields:
                if found.is_from and passed_on(self._project, function, found) is None:
                    text = "`yield from` cannot stand in an async generator"
                    return Reason("no-await", text, function.module.path, found.line)
        for site in self._project.calls(function):
            for target in site.targets if site.kind == "call" else ():
                if target in coloured and self._gives_generator(target) and not self._fits(site):
                    text = f"what takes {target.qualname} here takes no async generator"
                    return Reason(
                        "no-await", text, function.module.path, site.node.line, target.qualname
                    )
        return None

    def _gives_generator(self, target: Function) -> bool:
        return (
            target.is_generator
            and target.decorator_names.isdisjoint(_CONTEXTS)
            and target not in self._project.session_dependencies
        )

    def _fits(self, site: CallSite) -> bool:
        """Whether the call stands where an async generator can, once `async` is written there."""
        if site.awaited:
            return True
        parent = self._project.parent(site.node)
        if isinstance(parent, s.Generator):
            around = self._project.parent(parent)
            return not (isinstance(around, s.Comprehension) and around.kind == "generator")
        if isinstance(parent, s.Assign):
            names = [target.id for target in parent.targets if isinstance(target, s.Name)]
            uses = [use for name in names for use in self._uses(site.function, name)]
            return len(names) == len(parent.targets) and all(map(self._is_streamed, uses))
        return isinstance(parent, s.For | s.WithItem) or self._is_streamed(site.node)

    def _uses(self, function: Function, name: str) -> Iterator[s.Name]:
        for node in function.nodes(s.Name):
            if node.id == name and not isinstance(self._project.parent(node), s.Assign):
                yield node

    def _is_streamed(self, node: s.Expr) -> bool:
        parent = self._project.parent(node)
        call = self._project.parent(parent) if isinstance(parent, s.Keyword) else parent
        return isinstance(call, s.Call) and last_name(call.func) in _STREAMS
