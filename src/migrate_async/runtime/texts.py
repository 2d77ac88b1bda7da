"""Other values for columns of text as psycopg2 took them, for asyncpg: by their texts.

    template_id = Column(String)  # and a uuid.UUID
    tags = Column(Text)  # and ["red", "green"]

psycopg2 writes the value into the statement, and the server makes a text of it. asyncpg takes
nothing but a `str` for a text.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import CHAR, String
from sqlalchemy.dialects.postgresql import CITEXT
from sqlalchemy.ext.asyncio import AsyncEngine

from migrate_async.runtime.bound_values import before_type
from migrate_async.runtime.session_zone import SessionZone, session_zone


def take_texts_as_psycopg2(engine: AsyncEngine) -> AsyncEngine:
    """Let the text columns of `engine` take numbers, UUIDs, times, bytes and lists.

    It is given back. Other drivers than asyncpg do so by themselves.
    """
    dialect = engine.dialect
    if dialect.driver == "asyncpg":
        convert = partial(_text_in, session_zone(engine))
        specs: dict[Any, Any] = dict(dialect.colspecs)
        for kind in (String, CHAR, CITEXT):
            specs[kind] = before_type(specs.get(kind, kind), "Any", convert)
        dialect.colspecs = specs
    return engine


def _text_in(zone: SessionZone, value: Any) -> Any:
    """What PostgreSQL makes of `value` in sessions with that `zone`."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return _with_offset(value.astimezone(zone.zone))
    return _text(value)


def _with_offset(moment: datetime) -> str:
    """The text of a time with a zone: its offset has no minutes if these are zero."""
    offset = moment.strftime("%z")
    minutes = f":{offset[3:5]}" if offset[3:5] != "00" else ""
    return _trimmed(str(moment.replace(tzinfo=None))) + offset[:3] + minutes


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
