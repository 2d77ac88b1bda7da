"""What rolls a session back, or expires all of its objects, and which code runs after that."""

from __future__ import annotations

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.model import syntax as s
from migrate_async.plan import blocks
from migrate_async.plan.blocks import called, method_name
from migrate_async.plan.transactions.effects import Effects
from migrate_async.plan.transactions.positions import Position, positions

EXPIRING_ALL = frozenset({"rollback", "expire_all"})
"""Methods of a session."""
_EXPIRING = EXPIRING_ALL | {"expire"}
_NESTED = frozenset({"begin", "begin_nested"})


class RollingBack:
    """Answers for one project."""

    def __init__(self, project: Project, effects: Effects) -> None:
        self._project = project
        self._effects = effects
        self._rolling: dict[Function, bool] = {}

    def expires(self, statement: s.Stmt) -> str | None:
        """The name of what `statement` expires: empty for everything, None for nothing."""
        call = called(statement, awaited=False)
        func = call.func if call is not None else None
        if call is None or not isinstance(func, s.Attribute) or func.attr not in _EXPIRING:
            return None
        if self._project.session_kind(func.value, self._project.scope_of(func)) != "sync":
            return "" if self._ends_transaction(call) else None
        if func.attr != "expire":
            return ""
        return s.dotted_name(call.args[0]) or None if call.args else None

    def _ends_transaction(self, call: s.Call) -> bool:
        """Whether `call` is `savepoint.rollback()`, of what `begin_nested()` has given."""
        return method_name(call) == "rollback" and any(
            site.node is call and site.operation is not None
            for site in self._project.calls(self._project.function_of(call))
            if site.operation is not None and site.operation.owner == "transaction"
        )

    def goes_on(self, function: Function, statement: s.Stmt) -> bool:
        """Whether a function that `statement` calls rolls back, and returns."""
        if blocks.is_compound(statement):
            return False
        if isinstance(statement, s.Return | s.Raise):
            return False
        return any(map(self.returns_rolled_back, self._effects.targets(function, statement)))

    def goes_on_from_condition(self, function: Function, statement: s.If | s.While) -> bool:
        """Whether the condition of `statement` calls what rolls back, and returns."""
        calls = {node for node in s.own_code(statement.test) if isinstance(node, s.Call)}
        return any(
            site.node in calls and any(map(self.returns_rolled_back, site.targets))
            for site in self._project.calls(function)
            if site.kind == "call"
        )

    def may_roll_back(self, function: Function, statement: s.Try) -> bool:
        """Whether a handler may be reached after a rollback that is not its own."""
        for inner in blocks.statements(statement.body):
            for item in inner.items if isinstance(inner, s.With) else ():
                call = item.context
                if isinstance(call, s.Call) and method_name(call) in _NESTED:
                    return self._works_on_session(call)
        return any(
            self._rolls_back(target)
            for inner in blocks.statements(statement.body)
            for target in self._effects.targets(function, inner)
        )

    def _works_on_session(self, call: s.Call) -> bool:
        func = call.func
        return isinstance(func, s.Attribute) and bool(
            self._project.session_kind(func.value, self._project.scope_of(func))
        )

    def _rolls_back(self, function: Function) -> bool:
        """Whether `function`, or what it calls, rolls a session back, or expires all objects."""
        if function not in self._rolling:
            self._rolling[function] = False
            self._rolling[function] = any(
                node.attr in EXPIRING_ALL
                and self._project.session_kind(node.value, self._project.scope_of(node))
                for node in function.own_attributes
            ) or any(
                self._rolls_back(target)
                for site in self._project.calls(function)
                if site.kind == "call"
                for target in site.targets
            )
        return self._rolling[function]

    def returns_rolled_back(self, function: Function) -> bool:
        """Whether `function` may return once it, or what it calls, has rolled back."""
        node = function.node
        if not isinstance(node, s.FunctionDef) or not self._rolls_back(function):
            return False
        return any(
            _returns_from(position)
            for position in positions(node.body)
            if _is_expiring(position.statement)
            or any(map(self._rolls_back, self._effects.targets(function, position.statement)))
        )

    def rolls_back_finally(self, function: Function) -> bool:
        """Whether `function` rolls back once it is known what it returns."""
        node = function.node
        statements = blocks.statements(node.body) if isinstance(node, s.FunctionDef) else ()
        return any(
            any(map(_is_expiring, blocks.statements(statement.finalbody)))
            and any(isinstance(inner, s.Return) for inner in blocks.statements(statement.body))
            for statement in statements
            if isinstance(statement, s.Try)
        )


def _is_expiring(statement: s.Stmt) -> bool:
    call = called(statement, awaited=False) or called(statement, awaited=True)
    return call is not None and method_name(call) in _EXPIRING


def _returns_from(position: Position) -> bool:
    """Whether the function may return from what follows the statement."""
    for block, index in reversed(position.path):
        for statement in block[index + 1 :]:
            if isinstance(statement, s.Raise):
                return False
            if isinstance(statement, s.Return):
                return True
    return True
