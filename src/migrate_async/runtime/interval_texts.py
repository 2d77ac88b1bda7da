"""Texts for intervals, which asyncpg refuses: `func.now() - cast("30 days", Interval)`.

psycopg2 writes the text into the statement, and the server reads it. asyncpg takes a `timedelta`
for an interval and nothing else, so that here the parameter is a text that the server reads.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from migrate_async.runtime.same_values import TOKEN

_INTERVAL = re.compile(r"::INTERVAL\b", re.IGNORECASE)


def read_intervals_as_psycopg2(engine: AsyncEngine) -> AsyncEngine:
    """Let `engine` take texts for intervals; it is given back.

    Other drivers than asyncpg do so by themselves.
    """
    if engine.dialect.driver == "asyncpg":
        event.listen(engine.sync_engine, "before_cursor_execute", _read, retval=True)
    return engine


def _read(
    _connection: Any, _cursor: Any, statement: str, values: Any, _context: Any, many: bool
) -> tuple[str, Any]:
    """The statement in which such a parameter is a text; of many rows all have to be texts.

    An INSERT of many rows that returns them has all their values in one tuple.
    """
    if not values or not _INTERVAL.search(statement):
        return statement, values
    rows = values if many and isinstance(values, list) else [values]

    def write(match: re.Match[str]) -> str:
        number = int(match["number"]) - 1 if match["cast"] and match["number"] else -1
        is_interval = number >= 0 and _INTERVAL.fullmatch(match["cast"]) is not None
        if not is_interval or not all(isinstance(row[number], str) for row in rows):
            return match[0]
        return f"CAST(${number + 1}::TEXT AS INTERVAL)"

    return TOKEN.sub(write, statement), values
