"""Which of several sessions in a function an object belongs to.

Only the session that has an object expires it at a commit, and only that one can refresh it.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, ParameterBinding, RawCall
from migrate_async.index.types import External, SessionFactory
from migrate_async.knowledge.sqlalchemy import SESSION, SQLMODEL_SESSION
from migrate_async.model import syntax as s
from migrate_async.plan import blocks

MADE_SESSIONS = frozenset({SESSION, SQLMODEL_SESSION})
"""Classes whose objects are sessions of whoever makes them."""


class Owners:
    """The sessions that a function works with, and whose objects its locals hold."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._named: dict[Function, frozenset[str]] = {}

    def has_several(self, function: Function) -> bool:
        """Whether `function` works with more than one session."""
        return len(self.sessions(function)) > 1

    def sessions(self, function: Function) -> frozenset[str]:
        """The names under which `function` itself uses sessions."""
        if function not in self._named:
            self._named[function] = frozenset(
                name for call in function.calls for name in self._in_call(call.node)
            )
        return self._named[function]

    def has(self, function: Function, name: str, session: str) -> bool | None:
        """Whether `session` has the object called `name`; None: only a run can tell."""
        own = {found for value in self._values(function, name) for found in self._in_call(value)}
        if session in own:
            return True
        is_made_here = self.is_made_here(function, session)
        if own and is_made_here:
            return False
        if self.has_several(function) or (is_made_here and self._is_given(function, name)):
            return None
        return True

    def _in_call(self, call: s.Call) -> Iterator[str]:
        """The sessions that a call works on or is given, also in the calls that it is built on."""
        current: s.Expr = call
        while isinstance(current, s.Call | s.Attribute | s.Await):
            if isinstance(current, s.Call):
                yield from self._given(current)
                current = current.func
            else:
                current = current.value
                yield from self._session(current)

    def _given(self, call: s.Call) -> Iterator[str]:
        for value in call.values:
            yield from self._session(value)

    def _session(self, value: s.Expr) -> Iterator[str]:
        name = s.dotted_name(value)
        if name and self._project.session_kind(value, self._project.scope_of(value)) is not None:
            yield name

    def _values(self, function: Function, name: str) -> Iterator[s.Call]:
        """The calls that give `name` its object, or a session that object."""
        assert isinstance(function.node, s.FunctionDef)  # noqa: S101  the caller has looked
        for statement in blocks.statements(function.node.body):
            value = getattr(statement, "value", None)
            value = value.value if isinstance(value, s.Await) else value
            if not isinstance(value, s.Call):
                continue
            named: tuple[s.Expr, ...] = ()
            if isinstance(statement, s.Assign):
                named = statement.targets
            elif isinstance(statement, s.ExpressionStatement):
                named = value.args
            if any(isinstance(item, s.Name) and item.id == name for item in named):
                yield value

    @staticmethod
    def _is_given(function: Function, name: str) -> bool:
        bindings = function.scope.names.get(name, [])
        return bool(bindings) and all(isinstance(item, ParameterBinding) for item in bindings)

    def is_made_here(self, function: Function, session: str) -> bool:
        """Whether `session` is bound by `db = SessionLocal()` or `with SessionLocal() as db`."""
        return any(
            session in _bound_to(self._project.statement_of(call.node), call.node)
            for call in function.calls
            if self._makes(call)
        )

    def _makes(self, call: RawCall) -> bool:
        """Whether `call` is `SessionLocal()`, `SessionLocal.begin()` or `Session(engine)`."""
        func = call.node.func
        maker = func.value if isinstance(func, s.Attribute) and func.attr == "begin" else func
        found = self._project.infer(maker, call.scope)
        return any(
            isinstance(item, SessionFactory)
            or (isinstance(item, External) and item.dotted in MADE_SESSIONS)
            for item in found
        )


def _bound_to(statement: s.Stmt, call: s.Call) -> Iterator[str]:
    if isinstance(statement, s.Assign) and statement.value is call:
        yield from (target.id for target in statement.targets if isinstance(target, s.Name))
    if isinstance(statement, s.With):
        for item in statement.items:
            if item.context is call and isinstance(item.target, s.Name):
                yield item.target.id
