"""Numbers in comparisons, arithmetic and functions as psycopg2 wrote them, for asyncpg.

    Item.price > Decimal("2.249")  # price = Column(Numeric(10, 2))
    Item.price * Decimal("0.075")
    func.round(Item.price * 1.5, 2)

psycopg2 writes 2.249 into the statement, an exact number. SQLAlchemy sends asyncpg `$1::NUMERIC(10,
2)`, which the server rounds to 2.25 before it compares, and a float as `$1::FLOAT`, for which there
is no such `round()`. Here both are exact numbers with all their digits.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Float, Numeric, literal
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.types import TypeEngine

_GUESSED = literal(0.5).type
"""What SQLAlchemy takes a `float` for, where no column says its type: the very object."""
_AS_WRITTEN = Numeric(asdecimal=False)


def keep_digits_of_numbers(engine: AsyncEngine) -> AsyncEngine:
    """Let `engine` send exact numbers with all their digits; it is given back.

    Other drivers than asyncpg do so by themselves.
    """
    dialect = engine.dialect
    if dialect.driver == "asyncpg":
        dialect.statement_compiler = _keeping_digits(dialect.statement_compiler)
    return engine


def write_floats_as_psycopg2(engine: AsyncEngine) -> AsyncEngine:
    """Let `engine` send floats that no column gives a type as exact numbers; it is given back.

    Other drivers than asyncpg are left alone: psycopg (3) says itself that a float is one.
    """
    dialect = engine.dialect
    if dialect.driver == "asyncpg":
        dialect.statement_compiler = _exact(dialect.statement_compiler)
    return engine


def _keeping_digits(base: Any) -> Any:
    """The compiler `base`, whose parameters have no precision and scale."""

    class DigitsCompiler(base):  # type: ignore[misc]
        def render_bind_cast(self, type_: Any, dbapi_type: Any, sqltext: str) -> Any:
            return super().render_bind_cast(type_, _without_scale(dbapi_type), sqltext)

    return DigitsCompiler


def _exact(base: Any) -> Any:
    """The compiler `base`, for which a float is what it is written as."""

    class ExactCompiler(base):  # type: ignore[misc]
        def visit_bindparam(self, bindparam: Any, *args: Any, **options: Any) -> Any:
            if bindparam.type is _GUESSED:
                bindparam = bindparam._with_binary_element_type(_AS_WRITTEN)
            return super().visit_bindparam(bindparam, *args, **options)

    return ExactCompiler


def _without_scale(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    """`kind`, of which a cast rounds nothing; of arrays it does with psycopg2, too."""
    if isinstance(kind, Float):  # before 2.1 that is a Numeric, too
        return Float() if kind.precision is not None else kind
    return Numeric() if isinstance(kind, Numeric) else kind
