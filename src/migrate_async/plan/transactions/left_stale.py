"""What holds objects that a commit makes stale, in a form that no loop refreshes.

for box, owner in rows:
    box.price = price
db.commit()
return [box.price for box, owner in rows]
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function
from migrate_async.index.types import ExternalInstance, Types
from migrate_async.knowledge.column_types import KEPT_OTHERWISE
from migrate_async.knowledge.coroutines import COLLECTING
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, at
from migrate_async.plan.names import root_name
from migrate_async.plan.transactions.bound_names import is_bound_after
from migrate_async.plan.transactions.commits import begun, commits
from migrate_async.plan.transactions.effects import Effects
from migrate_async.plan.transactions.flushes import commit_keeps
from migrate_async.plan.transactions.held import Held
from migrate_async.plan.transactions.lists_of_objects import ListsOfObjects, put_in
from migrate_async.plan.transactions.positions import Position, positions
from migrate_async.plan.transactions.values import Values


class LeftStale:
    """Answers for one project."""

    def __init__(self, project: Project, effects: Effects, values: Values) -> None:
        self._project = project
        self._effects = effects
        self._keeps = commit_keeps(project)
        self._held = project.shared(Held)
        self._lists = ListsOfObjects(project, values)

    def messages(self, function: Function) -> Iterator[Diagnostic]:
        """What is said of the commits of `function`."""
        body = function.node.body if isinstance(function.node, s.FunctionDef) else ()
        for position in () if self._keeps else positions(body):
            if self._effects.commits_at(function, position.statement):
                yield from self._at(function, position)

    def _at(self, function: Function, position: Position) -> Iterator[Diagnostic]:
        commit = position.statement
        written = self._effects.written_before(function, commit)
        is_in_reach = self._has_session(function, commit)
        if isinstance(commit, s.With) and not is_in_reach:
            return  # it closes the session that it commits, and nothing can be read
        for name in function.scope.names if written else ():
            if not is_bound_after(function, name, position) or not position.reads_later(name):
                continue
            if is_in_reach and self._is_refreshed(function, name):
                continue
            if not is_in_reach and not self._is_handed(function, name, position):
                continue
            for cls in self._models(function, name):
                if self._is_kept_otherwise(cls, written):
                    yield _told(function, commit, name, cls)
                    break

    def _has_session(self, function: Function, commit: s.Stmt) -> bool:
        """Whether there is a session at hand that could refresh something."""
        own = commits(self._project, commit, "sync") or begun(self._project, commit)
        return bool(own or self._effects.commits_through(function, commit))

    def _is_refreshed(self, function: Function, name: str) -> bool:
        """Whether `name` has a form that is refreshed where it is written."""
        return self._effects.is_one(function, name) or self._lists.of(function, name) is not None

    def _is_handed(self, function: Function, name: str, position: Position) -> bool:
        """Whether a callee may write `name`, and does not refresh it."""
        stale = self._effects.stale_names(function, position, is_own=False)
        return name in stale or not self._effects.is_one(function, name)

    def _is_kept_otherwise(self, cls: Class, written: Collection[Class]) -> bool:
        """Whether an object of `cls` is written, in which a database may keep other values."""
        model = self._project.models[cls.qualname]
        is_written = any(self._project.overlap(cls, other) for other in written)
        return is_written and any(item.type in KEPT_OTHERWISE for item in model.columns.values())

    def _models(self, function: Function, name: str) -> Iterator[Class]:
        """The models of the objects in `name`, or in what it holds."""
        assert function.node is not None  # noqa: S101  the caller has looked
        node = s.Name(*function.node.span, name)
        own = self._project.infer(node, function.scope)
        yield from self._held.of_types(own)
        if _is_external(own):
            return  # `db.add(box)` puts nothing into a list
        for value in (*put_in(function, name), *self._put_deep_in(function, name)):
            types = self._project.infer(value, self._project.scope_of(value))
            yield from self._held.of_types(types)

    def _put_deep_in(self, function: Function, name: str) -> Iterator[s.Expr]:
        """What `groups.setdefault(key, []).append(box)` puts into a list in `groups`."""
        for call in function.nodes(s.Call):
            func = call.func
            if not isinstance(func, s.Attribute) or func.attr not in COLLECTING or not call.args:
                continue
            owner = root_name(func.value)
            if owner is None or owner.id != name or owner is func.value:
                continue
            if not _is_external(self._project.infer(func.value, self._project.scope_of(call))):
                yield call.args[-1]  # and not `self.db.add(box)`


def _is_external(types: Types) -> bool:
    return any(isinstance(item, ExternalInstance) for item in types)


def _told(function: Function, commit: s.Stmt, name: str, cls: Class) -> Diagnostic:
    return at(
        function.module.path,
        commit.span,
        "MA516",
        f"`{name}` holds {cls.name} objects that are written before this commit and read after it: "
        "a sync session read them anew, here they keep what Python gave them, a time its zone and "
        "a number all its digits",
        "refresh() those that are read, or keep them in a list, which is refreshed",
    )
