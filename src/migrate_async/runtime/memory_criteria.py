"""Evaluate a WHERE criterion on an object in memory, with SQL's three-valued logic."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from sqlalchemy import BinaryExpression, BindParameter, ColumnElement, inspect
from sqlalchemy.orm.attributes import QueryableAttribute
from sqlalchemy.sql import elements, operators

_COMPARE: dict[Any, Callable[[Any, Any], Any]] = {
    operators.eq: operator.eq,
    operators.ne: operator.ne,
    operators.lt: operator.lt,
    operators.le: operator.le,
    operators.gt: operator.gt,
    operators.ge: operator.ge,
    operators.add: operator.add,
    operators.sub: operator.sub,
    operators.mul: operator.mul,
    operators.in_op: lambda value, values: value in values,
    operators.not_in_op: lambda value, values: value not in values,
}
# Pattern around the right-hand side, regular expression flags, and whether a match means yes.
_LIKE: dict[Any, tuple[str, int, bool]] = {
    operators.like_op: ("{}", re.DOTALL, True),
    operators.not_like_op: ("{}", re.DOTALL, False),
    operators.ilike_op: ("{}", re.DOTALL | re.IGNORECASE, True),
    operators.not_ilike_op: ("{}", re.DOTALL | re.IGNORECASE, False),
    operators.startswith_op: ("{}%", re.DOTALL, True),
    operators.endswith_op: ("%{}", re.DOTALL, True),
    operators.contains_op: ("%{}%", re.DOTALL, True),
}
_CONSTANTS: dict[type, Any] = {elements.Null: None, elements.True_: True, elements.False_: False}


def matches(instance: object, criterion: ColumnElement[bool]) -> bool:
    """Whether a row with the values of `instance` would be selected: NULL counts as no.

    :raises NotImplementedError: the criterion has a part that only a database can evaluate.
    """
    return value_of(instance, criterion) is True


def value_of(instance: object, expression: Any) -> Any:
    """Return the value of an expression over the columns of `instance`; None is SQL's NULL.

    :raises NotImplementedError: it has a part that only a database can evaluate.
    """
    if isinstance(expression, QueryableAttribute):
        expression = expression.expression
    if type(expression) in _CONSTANTS:
        return _CONSTANTS[type(expression)]
    for kind, evaluate in _EVALUATE.items():
        if isinstance(expression, kind):
            return evaluate(instance, expression)
    raise _unsupported(expression)


def _column(instance: object, column: Any) -> Any:
    attribute = inspect(type(instance)).get_property_by_column(column)
    return getattr(instance, attribute.key)


def _clauses(instance: object, expression: Any) -> Any:
    values = [value_of(instance, clause) for clause in expression.clauses]
    if expression.operator is operators.and_:
        return False if False in values else None if None in values else True
    if expression.operator is operators.or_:
        return True if True in values else None if None in values else False
    return values  # the items of IN


def _binary(instance: object, expression: BinaryExpression[Any]) -> Any:
    left = value_of(instance, expression.left)
    if expression.operator is operators.between_op:
        low, high = (value_of(instance, bound) for bound in expression.right.get_children())
        return None if None in {left, low, high} else low <= left <= high
    right = value_of(instance, expression.right)
    if expression.operator is operators.is_:
        return left is right
    if expression.operator is operators.is_not:
        return left is not right
    if left is None or right is None:
        return None
    if expression.operator in _LIKE:
        return _is_like(left, right, expression)
    if expression.operator not in _COMPARE:
        raise _unsupported(expression)
    return _COMPARE[expression.operator](left, right)


def _is_like(value: str, right: str, expression: BinaryExpression[Any]) -> bool:
    template, flags, positive = _LIKE[expression.operator]
    pattern = _pattern(template.format(right), expression.modifiers.get("escape"))
    return (re.fullmatch(pattern, value, flags) is not None) is positive


def _unary(instance: object, expression: Any) -> Any:
    value = value_of(instance, expression.element)
    # `inv` is NOT of a group, `is_false` NOT of a column, `is_true` the column itself.
    if expression.operator in {operators.inv, operators.is_false}:
        return None if value is None else not value
    if expression.operator is operators.is_true:
        return value
    raise _unsupported(expression)


_EVALUATE: dict[type, Callable[[object, Any], Any]] = {
    elements.ColumnClause: _column,
    BindParameter: lambda _, parameter: parameter.effective_value,
    elements.Grouping: lambda instance, group: value_of(instance, group.element),
    elements.ExpressionClauseList: _clauses,
    elements.ClauseList: _clauses,
    BinaryExpression: _binary,
    elements.UnaryExpression: _unary,
}


def _pattern(like: str, escape: str | None) -> str:
    """Return the regular expression for the pattern of a LIKE."""
    wildcards = {"%": ".*", "_": "."}
    pattern = ""
    characters = iter(like)
    for character in characters:
        if character == escape:
            pattern += re.escape(next(characters, ""))
        else:
            pattern += wildcards.get(character, re.escape(character))
    return pattern


def _unsupported(expression: Any) -> NotImplementedError:
    return NotImplementedError(
        f"the in-memory repository cannot evaluate {str(expression)!r}: test it on a database"
    )
