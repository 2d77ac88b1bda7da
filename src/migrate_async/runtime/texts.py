"""Numbers and UUIDs for columns of text as psycopg2 took them, for asyncpg: by their texts.

    template_id = Column(String)  # and a uuid.UUID

psycopg2 writes the value into the statement, and the server makes a text of it. asyncpg takes
nothing but a `str` for a text.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Dialect, String
from sqlalchemy.ext.asyncio import AsyncEngine


def take_texts_as_psycopg2(engine: AsyncEngine) -> AsyncEngine:
    """Let the text columns of `engine` take numbers and UUIDs; it is given back.

    Other drivers than asyncpg do so by themselves.
    """
    dialect = engine.dialect
    if dialect.driver == "asyncpg":
        specs: dict[Any, Any] = dict(dialect.colspecs)
        specs[String] = _of_anything(specs.get(String, String))
        dialect.colspecs = specs
    return engine


def _of_anything(base: type[String]) -> type[String]:
    def bind_processor(self: String, dialect: Dialect) -> Callable[[Any], Any]:
        before = base.bind_processor(self, dialect)

        def process(value: Any) -> Any:
            given = _text(value)
            return before(given) if before is not None else given

        return process

    return type(f"Any{base.__name__}", (base,), {"bind_processor": bind_processor})


def _text(value: Any) -> Any:
    """What PostgreSQL makes of `value` when it is assigned to a text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | UUID):
        return str(value)
    if isinstance(value, float | Decimal):
        number = Decimal(str(value))
        return f"{number:f}" if number.is_finite() else str(value)
    return value
