"""Texts beside columns of other types as psycopg2 wrote them: as literals without a type.

    db.query(User).filter(User.id == claims["sub"])  # and "7", a text

psycopg2 writes `users.id = '7'`, and the server reads the text as what the column is. asyncpg and
psycopg send a parameter that says it is a text, and there is no `integer = varchar`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    Date,
    DateTime,
    Float,
    Integer,
    Numeric,
    SmallInteger,
    String,
    Time,
    cast,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import (
    BinaryExpression,
    BindParameter,
    ColumnElement,
    ExpressionClauseList,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

from migrate_async.runtime.bound_values import before_driver
from migrate_async.runtime.comparing import as_integer

_DRIVERS = frozenset({"asyncpg", "psycopg"})
_READ = frozenset({Date, DateTime, Float, Integer, Numeric, Time})
"""The types as which the server reads a text beside them."""
_COMPARISONS = frozenset(
    {
        *(operators.eq, operators.ne, operators.lt, operators.le, operators.gt, operators.ge),
        *(operators.in_op, operators.not_in_op, operators.between_op, operators.not_between_op),
        *(operators.is_distinct_from, operators.is_not_distinct_from),
    }
)
_NUMBER = re.compile(r"\s*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?\s*", re.ASCII)

_Kind = TypeVar("_Kind", bound=TypeEngine[Any])


def read_texts_as_psycopg2(engine: AsyncEngine) -> AsyncEngine:
    """Let `engine` compare columns with texts, and store texts in columns of numbers.

    The engine is given back. Other drivers read such texts by themselves.
    """
    dialect = engine.dialect
    if dialect.name != "postgresql" or dialect.driver not in _DRIVERS:
        return engine
    dialect.statement_compiler = _comparing(dialect.statement_compiler)
    specs: dict[Any, Any] = dict(dialect.colspecs)
    for kind in (Integer, SmallInteger, BigInteger):
        specs[kind] = _taking(specs.get(kind, kind), _integer)
    specs[Float] = _taking(specs.get(Float, Float), _float)
    dialect.colspecs = specs
    return engine


def _comparing(base: Any) -> Any:
    """The compiler `base`, for which a text is of the type that it is compared with."""

    class UntypedCompiler(base):  # type: ignore[misc]
        def visit_binary(self, binary: BinaryExpression[Any], *args: Any, **options: Any) -> Any:
            return super().visit_binary(_typed(binary), *args, **options)

    return UntypedCompiler


def _typed(binary: BinaryExpression[Any]) -> BinaryExpression[Any]:
    if binary.operator not in _COMPARISONS:
        return binary
    left, right = _beside(binary.right, binary.left), _beside(binary.left, binary.right)
    if left is binary.left and right is binary.right:
        return binary
    typed = binary._clone()
    typed.left, typed.right = left, right
    return typed


def _beside(column: Any, value: Any) -> Any:
    """`value` as what `column` is, if it is a text that the server would read."""
    if isinstance(value, ExpressionClauseList):  # the ends of BETWEEN
        ends = tuple(_beside(column, end) for end in value.clauses)
        if all(new is old for new, old in zip(ends, value.clauses, strict=True)):
            return value
        typed = value._clone()
        typed.clauses = ends
        return typed
    if not isinstance(value, BindParameter) or isinstance(column, BindParameter):
        return value
    if not isinstance(column, ColumnElement):
        return value
    is_json = isinstance(column.type, JSONB) and value.type._type_affinity is String
    if is_json and not value.expanding:
        return cast(value, column.type)  # the text is JSON, and no text to be written as such
    kind = _kind_beside(column, value)
    return value._with_binary_element_type(kind) if kind is not None else value


def _kind_beside(column: ColumnElement[Any], value: BindParameter[Any]) -> Any:
    """The type that `value` has beside `column`; None: its own."""
    if _is_small(value) and column.type._type_affinity is Integer:
        return _wide(value.type)  # what the column cannot hold is none of its values, and no error
    is_read = value.type._type_affinity is String and column.type._type_affinity in _READ
    return column.type if is_read else None


def _wide(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    """`kind` for numbers of 64 bits; a type of the application's own goes on converting them."""
    if not isinstance(kind, TypeDecorator):
        return BigInteger()
    wide: Any = kind.copy()
    wide.impl = wide.impl_instance = BigInteger()
    return wide  # type: ignore[no-any-return]


def _is_small(value: BindParameter[Any]) -> bool:
    kind = value.type
    held = kind.impl if isinstance(kind, TypeDecorator) else kind
    return kind._type_affinity is Integer and not isinstance(held, BigInteger)


def _taking(base: type[_Kind], convert: Callable[[Any], Any]) -> type[_Kind]:
    return before_driver(base, "Untyped", lambda _, value: convert(value))


def _integer(value: Any) -> Any:
    """What PostgreSQL makes of `value` when it is assigned to an integer."""
    if isinstance(value, str):
        return as_integer(value)
    if isinstance(value, float | Decimal):
        number = Decimal(str(value))
        # A half goes away from zero.
        return int(number.to_integral_value(ROUND_HALF_UP)) if number.is_finite() else value
    return value


def _float(value: Any) -> Any:
    return float(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else value
