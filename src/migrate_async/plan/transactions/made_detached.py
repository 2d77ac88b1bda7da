"""Objects that `make_transient_to_detached()` makes seem to be loaded, with all of them expired.

    user = User(id=1)
    make_transient_to_detached(user)
    db.add(user)

Once a session has the object, the next read fetches what it was not made with.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Model, Project
from migrate_async.index.scopes import Function
from migrate_async.index.types import Instance
from migrate_async.model import syntax as s
from migrate_async.plan.blocks import called, method_name
from migrate_async.plan.transactions.positions import Position, statements_before

_MAKES = "make_transient_to_detached"


class MadeDetached:
    """Answers for one project."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def at(self, function: Function, position: Position) -> Iterator[tuple[str, str]]:
        """The names that hold such an object once a session has it, and what fetches the rest.

        `db.add(x)` and `y = db.merge(x, load=False)`.
        """
        statement = position.statement
        held = statement.targets[0] if isinstance(statement, s.Assign) else None
        call = getattr(statement, "value", None) if held else called(statement, awaited=False)
        wanted = "merge" if held else "add"
        if not isinstance(call, s.Call) or method_name(call) != wanted or not call.args:
            return
        made, name = call.args[0], held or call.args[0]
        if not isinstance(made, s.Name) or not isinstance(name, s.Name):
            return
        if any(_makes_detached(above, made.id) for above in statements_before(function, statement)):
            column = self._expired(function, made)
            if column:
                yield name.id, f"await {name.id}.awaitable_attrs.{column}"

    def _expired(self, function: Function, made: s.Name) -> str:
        """A column that the object has not been made with."""
        values = self._project.assigned(made, function.scope)
        calls = [value for value in values if isinstance(value, s.Call)]
        given = {keyword.arg for call in calls for keyword in call.keywords}
        for model in self._models(made, function):
            known = given.union(model.primary_key)
            found = next((name for name in model.columns if name not in known), "")
            if found and None not in given:
                return found
        return ""

    def _models(self, node: s.Name, function: Function) -> Iterator[Model]:
        for item in self._project.infer(node, function.scope):
            if isinstance(item, Instance) and item.cls.qualname in self._project.models:
                yield self._project.models[item.cls.qualname]


def _makes_detached(statement: s.Stmt, name: str) -> bool:
    call = called(statement, awaited=False)
    return (
        call is not None
        and method_name(call) == _MAKES
        and [s.dotted_name(value) for value in call.args] == [name]
    )
