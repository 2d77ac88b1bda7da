"""Expressions with parameters that stand in a statement twice, as psycopg2 sent them.

    day = lambda: func.date_trunc("day", Visit.at)
    select(day(), func.count()).group_by(day())

psycopg2 writes the values into the statement, and PostgreSQL sees the same expression twice. The
others send `date_trunc($1, ...)` and `date_trunc($2, ...)`, which might be two: `at` must appear in
the GROUP BY clause, it says. Here both get the first one's number if their values are the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, TypeAlias

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

Values: TypeAlias = Any
"""A mapping of names to values, or a tuple of values."""

Key: TypeAlias = "str | int"

_DRIVERS = frozenset({"asyncpg", "psycopg"})
_COMPARES = re.compile(r"\b(?:GROUP BY|DISTINCT)\b", re.IGNORECASE)
"""Where PostgreSQL asks whether two expressions are the same one."""

_NAME = (
    r"[A-Z]+\ WITH(?:OUT)?\ TIME\ ZONE|DOUBLE\ PRECISION|[A-Z]+(?:\(\d+(?:,\ ?\d+)?\))?(?:\[\])*"
)
_CAST = rf"::(?:{_NAME})(?![\w(\[])"
TOKEN = re.compile(
    rf"""
      '(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/
    | (?P<bind>\$(?P<number>\d+)|%\((?P<name>[^)]*)\)s)(?P<cast>{_CAST})?
    """,
    re.VERBOSE | re.DOTALL,
)


def join_values_as_psycopg2(engine: AsyncEngine) -> AsyncEngine:
    """Let `engine` send equal values of one type once where that matters; it is given back."""
    if engine.dialect.driver in _DRIVERS:
        event.listen(engine.sync_engine, "before_cursor_execute", _join, retval=True)
    return engine


def _join(
    _connection: Any, _cursor: Any, statement: str, values: Any, _context: Any, many: bool
) -> tuple[str, Any]:
    if many or not values or not _COMPARES.search(statement):
        return statement, values
    return joined(statement, values)


def joined(statement: str, values: Values) -> tuple[str, Values]:
    """`statement` in which equal values have one placeholder, and the values that are left.

    Those without a cast, which may be of another type each time, stay; a path into a JSON is one
    of texts.
    """
    firsts: dict[tuple[str, type, str], Key] = {}
    written: dict[Key, Key] = {}
    for match in filter(lambda match: match["bind"], TOKEN.finditer(statement)):
        key = _key(match)
        value = values[key]
        is_typed = match["cast"] or _says_type(match, value) or _is_path(match)
        is_typed = is_typed and key not in written
        same = (match["cast"], type(value), repr(value))
        written[key] = firsts.setdefault(same, key) if is_typed else written.get(key, key)
    if all(key == first for key, first in written.items()):
        return statement, values
    if isinstance(values, Mapping):
        return _rewritten(
            statement, {key: f"%({first})s" for key, first in written.items()}
        ), values
    kept = sorted(number for number, first in written.items() if number == first)
    numbers = {number: place for place, number in enumerate(kept, 1)}
    binds = {key: f"${numbers[first]}" for key, first in written.items()}
    return _rewritten(statement, binds), tuple(values[number] for number in kept)


def _says_type(match: re.Match[str], value: Any) -> bool:
    """Whether psycopg sends the type with `value`; of texts the server finds it out."""
    return match["name"] is not None and isinstance(value, int | float | Decimal | date)


def _is_path(match: re.Match[str]) -> bool:
    """Whether a value is the path of `notes #>> $1`."""
    before = match.string[max(0, match.start() - 8) : match.start()]
    return before.rstrip().endswith(("#>", "#>>"))


def _key(match: re.Match[str]) -> Key:
    return match["name"] if match["name"] is not None else int(match["number"]) - 1


def _rewritten(statement: str, binds: Mapping[Key, str]) -> str:
    """`statement` with these placeholders."""
    return TOKEN.sub(
        lambda match: binds[_key(match)] + (match["cast"] or "") if match["bind"] else match[0],
        statement,
    )
