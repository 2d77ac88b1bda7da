"""Other values for columns of text as psycopg2 took them, for asyncpg: by their texts.

    template_id = Column(String)  # and a uuid.UUID
    tags = Column(Text)  # and ["red", "green"]

psycopg2 writes the value into the statement, and the server makes a text of it. asyncpg takes
nothing but a `str` for a text.
"""

from __future__ import annotations

import re
from datetime import date, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import String
from sqlalchemy.ext.asyncio import AsyncEngine

from migrate_async.runtime.bound_values import before_type


def take_texts_as_psycopg2(engine: AsyncEngine) -> AsyncEngine:
    """Let the text columns of `engine` take numbers, UUIDs, times, bytes and lists.

    It is given back.     Other drivers than asyncpg do so by themselves.
    """
    dialect = engine.dialect
    if dialect.driver == "asyncpg":
        specs: dict[Any, Any] = dict(dialect.colspecs)
        specs[String] = before_type(specs.get(String, String), "Any", _text)
        dialect.colspecs = specs
    return engine


def _text(value: Any) -> Any:
    """What PostgreSQL makes of `value` when it is assigned to a text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | UUID):
        return str(value)
    if isinstance(value, float | Decimal):
        number = Decimal(str(value))
        return f"{number:f}" if number.is_finite() else str(value)
    if isinstance(value, date | time) and getattr(value, "tzinfo", None) is None:
        return _trimmed(str(value))
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    return _array(value) if isinstance(value, list) else value


def _trimmed(text: str) -> str:
    """The text of a time, whose fraction has no zeros at the end."""
    return text.rstrip("0") if "." in text else text


def _array(values: list[Any]) -> Any:
    """The text of an array; what is none for PostgreSQL is left to the driver, which refuses it."""
    kinds = {type(value) for value in values if value is not None}
    if not kinds <= _ELEMENTS or len(kinds) > 1:
        return values
    return f"{{{','.join(map(_element, values))}}}"


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "t" if value else "f"
    text = str(_text(value))
    if text and text.lower() != "null" and not _QUOTED.search(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


_ELEMENTS = frozenset({str, int, bool, float, UUID})
_QUOTED = re.compile(r'[{}",\\ \t\n\r\v\f]')
