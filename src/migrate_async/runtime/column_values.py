"""Values for columns that psycopg2 wrote as untyped literals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import Date, DateTime, Time
from sqlalchemy.orm import ColumnProperty, class_mapper
from sqlalchemy.types import TypeEngine


def as_column_values(model: type[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` with the dates and times that the columns of `model` take, in the place of texts.

    `Model(**jsonable_encoder(data))` gives columns texts such as `2030-01-31`. psycopg2 wrote them
    into the SQL, and the server read them; asyncpg refuses them. A text that is no date or time is
    left as it is, so that the database answers as before, and so is one without an offset for a
    column with a time zone, which the server reads by its own.
    """
    columns = class_mapper(model).column_attrs
    return {
        name: _read(value, columns[name]) if isinstance(value, str) and name in columns else value
        for name, value in values.items()
    }


def _read(text: str, attribute: ColumnProperty[Any]) -> object:
    kind = attribute.columns[0].type
    for types, read in _READERS:
        if isinstance(kind, types):
            try:
                return read(text.strip(), kind)
            except ValueError:
                return text
    return text


def read_date(text: str) -> date:
    """The date that `text` says, which may go on with a time.

    :raises ValueError: it is not in the form of ISO 8601.
    """
    return read_moment(text).date()


def _datetime(text: str, kind: TypeEngine[Any]) -> datetime:
    found = read_moment(text)
    if not getattr(kind, "timezone", False):
        return found.replace(tzinfo=None)  # as PostgreSQL: an offset says nothing there
    if found.tzinfo is None:
        raise ValueError("the time zone of the server decides")
    return found


def _time(text: str, kind: TypeEngine[Any]) -> time:
    if getattr(kind, "timezone", False):
        raise ValueError("the time zone of the server may decide")
    return read_time(text)


def read_time(text: str) -> time:
    """The time of day that `text` says, without an offset.

    :raises ValueError: it is not in the form of ISO 8601.
    """
    return time.fromisoformat(_with_offset(text)).replace(tzinfo=None)


def read_moment(text: str) -> datetime:
    """The moment that `text` says; a date is its first one.

    :raises ValueError: it is not in the form of ISO 8601.
    """
    return datetime.fromisoformat(_with_offset(text))


def _with_offset(text: str) -> str:
    # Python 3.10 does not read the `Z` that Pydantic writes.
    return text[:-1] + "+00:00" if text.endswith(("Z", "z")) else text


_READERS: tuple[tuple[type[TypeEngine[Any]], Callable[[str, Any], object]], ...] = (
    (DateTime, _datetime),
    (Date, lambda text, _: read_date(text)),
    (Time, _time),
)
