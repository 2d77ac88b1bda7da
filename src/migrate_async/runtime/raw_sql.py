"""SQL text with parameters as psycopg2 ran it, over asyncpg.

    await db.execute(text("select * from items where day >= :since"), {"since": "2026-01-31"})

psycopg2 writes the values into the statement: a text is what the server reads there, a tuple behind
`IN` is a list, several statements run one by one. asyncpg takes a `date` for a date, and one
statement. What SQLAlchemy compiles of expressions has types of its own, see `untyped` and `texts`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import TextClause, event
from sqlalchemy.ext.asyncio import AsyncEngine

from migrate_async.runtime.legacy.habits.over_asyncpg import AsyncpgHabits
from migrate_async.runtime.legacy.habits.sql_text import ParameterRefused


def run_texts_as_psycopg2(engine: AsyncEngine) -> AsyncEngine:
    """Let `engine` run every `text()` with its parameters as psycopg2 did; it is given back.

    Other drivers than asyncpg are left as they are.
    """
    if engine.dialect.driver == "asyncpg":
        habits = AsyncpgHabits()
        event.listen(engine.sync_engine, "do_execute", _as_text(habits.execute))
        event.listen(engine.sync_engine, "do_executemany", _as_text(habits.executemany))
    return engine


def _as_text(run: Callable[..., Any]) -> Callable[..., bool]:
    """A listener that runs texts, and leaves to SQLAlchemy what is none."""

    def execute(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        is_plain = not parameters and ";" not in statement
        if is_plain or not is_text(getattr(context, "compiled", None)):
            return False
        try:
            run(cursor, False, statement, parameters)
        except ParameterRefused:
            return False  # the driver says what it takes
        return True

    return execute


def is_text(compiled: Any) -> bool:
    """Whether a `text()` has been compiled, be it for columns or entities."""
    statement = getattr(compiled, "statement", None)
    return isinstance(getattr(statement, "element", statement), TextClause)
