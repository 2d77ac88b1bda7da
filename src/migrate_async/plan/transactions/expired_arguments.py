"""Objects that a function is given and expires: `def touch(db, user): ...; db.expire(user)`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.model import syntax as s
from migrate_async.plan import blocks

Attributes: TypeAlias = tuple[str, ...]
"""What is expired of an object; empty: all of it."""


class ExpiredArguments:
    """Answers for one project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._known: dict[Function, dict[str, Attributes]] = {}

    def at(self, statement: s.Stmt) -> Iterator[tuple[str, Attributes]]:
        """The names whose objects calls in `statement` expire."""
        if blocks.is_compound(statement):
            return
        if isinstance(statement, s.Return | s.Raise):
            return
        for node in s.own_code(statement):
            if isinstance(node, s.Call) and (node.args or node.keywords):
                yield from self._expired_by(node)

    def _expired_by(self, call: s.Call) -> Iterator[tuple[str, Attributes]]:
        scope = self._project.scope_of(call)
        for receiver, param, value in self._project.passes(call, scope):
            found = self._of(receiver)
            if isinstance(value, s.Name) and param.name in found:
                yield value.id, found[param.name]

    def _of(self, function: Function) -> dict[str, Attributes]:
        """The parameters of `function` that it expires, itself or through what it calls."""
        if function not in self._known:
            self._known[function] = {}
            body = function.node.body if isinstance(function.node, s.FunctionDef) else ()
            names = {param.name for param in function.params}
            found = [
                item
                for statement in blocks.statements(body)
                for item in (*self._own(statement), *self.at(statement))
                if item[0] in names
            ]
            self._known[function] = dict(found)
        return self._known[function]

    def _own(self, statement: s.Stmt) -> Iterator[tuple[str, Attributes]]:
        call = blocks.called(statement, awaited=False)
        func = call.func if call is not None else None
        if call is None or not isinstance(func, s.Attribute) or func.attr != "expire":
            return
        if not call.args or not isinstance(call.args[0], s.Name):
            return
        if self._project.session_kind(func.value, self._project.scope_of(func)) is not None:
            yield call.args[0].id, _attributes(call)


def attribute_names(call: s.Call) -> s.Expr | None:
    """What `db.expire(x, names)` says of attributes; None: it expires all of them."""
    named = (word.value for word in call.keywords if word.arg == "attribute_names")
    return next(iter((*call.args[1:2], *named)), None)


def _attributes(call: s.Call) -> Attributes:
    given = attribute_names(call)
    items = given.items if isinstance(given, s.Sequence) else ()
    return tuple(str(item.value) for item in items if isinstance(item, s.Constant))
