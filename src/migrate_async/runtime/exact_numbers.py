"""Floats for exact numbers as psycopg2 took them, for asyncpg: by their shortest text.

    price = Column(Numeric)  # and a price of 83.48, a float

psycopg2 writes 83.48 into the statement. asyncpg makes a `Decimal` of the float, and stores
83.4800000000000039790393202565610408782958984375; with a scale, a half is rounded another way.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import Numeric
from sqlalchemy.ext.asyncio import AsyncEngine

from migrate_async.runtime.bound_values import before_type


def take_floats_as_psycopg2(engine: AsyncEngine) -> AsyncEngine:
    """Let the exact columns of `engine` store what a float is written as; it is given back.

    Other drivers than asyncpg do so by themselves.
    """
    dialect = engine.dialect
    if dialect.driver == "asyncpg":
        specs: dict[Any, Any] = dict(dialect.colspecs)
        specs[Numeric] = before_type(specs.get(Numeric, Numeric), "Exact", _by_text)
        dialect.colspecs = specs
    return engine


def _by_text(value: Any) -> Any:
    return Decimal(str(value)) if isinstance(value, float) else value
