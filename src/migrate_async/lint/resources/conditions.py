"""What a condition says about a name that holds an open resource."""

from __future__ import annotations

from collections.abc import Collection

from migrate_async.model import syntax as s

_TRUE_WHEN_OPEN = frozenset({"is_active", "is_open"})
_TRUE_WHEN_CLOSED = frozenset({"closed", "is_closed"})


def outcome(test: s.Expr, names: Collection[str]) -> bool | None:
    """The value of `test` while each of `names` holds an open resource; None: either."""
    if isinstance(test, s.Name):
        return True if test.id in names else None
    if isinstance(test, s.Attribute):
        return _attribute(test, names)
    if isinstance(test, s.Call) and test.args and s.dotted_name(test.func) == "bool":
        return outcome(test.args[0], names)
    if isinstance(test, s.Operation):
        return _operation(test, names)
    return None


def _attribute(test: s.Attribute, names: Collection[str]) -> bool | None:
    if not isinstance(test.value, s.Name) or test.value.id not in names:
        return None
    if test.attr in _TRUE_WHEN_OPEN:
        return True
    return False if test.attr in _TRUE_WHEN_CLOSED else None


def _operation(test: s.Operation, names: Collection[str]) -> bool | None:
    values = [outcome(operand, names) for operand in test.operands]
    if test.operator == "not":
        return None if values[0] is None else not values[0]
    if test.operator == "and":
        return _combined(values, decisive=False)
    if test.operator == "or":
        return _combined(values, decisive=True)
    if len(test.operands) == 2 and test.operator in ("is", "is not", "==", "!=", "in", "not in"):
        return _comparison(test, names)
    return None


def _combined(values: list[bool | None], *, decisive: bool) -> bool | None:
    if decisive in values:
        return decisive
    return None if None in values else not decisive


def _comparison(test: s.Operation, names: Collection[str]) -> bool | None:
    left, right = test.operands
    negated = test.operator in ("is not", "!=", "not in")
    if test.operator in ("in", "not in"):
        is_known = isinstance(left, s.Constant) and left.value in names and _is_namespace(right)
        return not negated if is_known else None
    is_name = isinstance(left, s.Name) and left.id in names
    is_none = isinstance(right, s.Constant) and right.kind == "None"
    return negated if is_name and is_none else None


def _is_namespace(expr: s.Expr) -> bool:
    """`locals()`, `dir()` or `vars()`."""
    return isinstance(expr, s.Call) and s.dotted_name(expr.func) in ("locals", "dir", "vars")
