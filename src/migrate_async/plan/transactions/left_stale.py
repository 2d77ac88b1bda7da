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
from migrate_async.knowledge.column_types import KEPT_OTHERWISE
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, at
from migrate_async.plan.transactions.bound_names import is_bound_after
from migrate_async.plan.transactions.commits import is_model
from migrate_async.plan.transactions.effects import Effects
from migrate_async.plan.transactions.flushes import commit_keeps
from migrate_async.plan.transactions.held import Held
from migrate_async.plan.transactions.lists_of_objects import ListsOfObjects
from migrate_async.plan.transactions.positions import Position, positions
from migrate_async.plan.transactions.values import Values


class LeftStale:
    """Answers for one project."""

    def __init__(self, project: Project, effects: Effects, values: Values) -> None:
        self._project = project
        self._effects = effects
        self._keeps = commit_keeps(project)
        self._held = Held(project)
        self._lists = ListsOfObjects(project, values)

    def messages(self, function: Function) -> Iterator[Diagnostic]:
        """What is said of the commits of `function`."""
        body = function.node.body if isinstance(function.node, s.FunctionDef) else ()
        for position in () if self._keeps else positions(body):
            if self._effects.commits_at(function, position.statement):
                yield from self._at(function, position)

    def _at(self, function: Function, position: Position) -> Iterator[Diagnostic]:
        written = self._effects.written_before(function, position.statement)
        for name in function.scope.names if written else ():
            models = self._models(function, name)
            if not models or not is_bound_after(function, name, position):
                continue
            if not position.reads_later(name):
                continue
            found = [cls for cls in models if self._is_kept_otherwise(cls, written)]
            if found:
                yield _told(function, position.statement, name, found[0])

    def _is_kept_otherwise(self, cls: Class, written: Collection[Class]) -> bool:
        """Whether an object of `cls` is written, in which a database may keep other values."""
        model = self._project.models[cls.qualname]
        is_written = any(self._project.overlap(cls, other) for other in written)
        return is_written and any(item.type in KEPT_OTHERWISE for item in model.columns.values())

    def _models(self, function: Function, name: str) -> list[Class]:
        """The models of the objects in `name`, if nothing refreshes these."""
        assert function.node is not None  # noqa: S101  the caller has looked
        node = s.Name(*function.node.span, name)
        if is_model(self._project, node, function.scope) or self._lists.of(function, name):
            return []
        return list(self._held.of_types(self._project.infer(node, function.scope)))


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
