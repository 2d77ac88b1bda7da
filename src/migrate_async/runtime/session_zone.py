"""Times as psycopg2 took them, for asyncpg: the time zone of the database session decides.

psycopg2 writes a `datetime` with a zone as `timestamptz` and one without as `timestamp`, and the
server makes of it what the column is. asyncpg refuses the one for a column without a time zone, and
takes the other, for a column with one, as local time of the client. Texts, which the server would
read, it takes for neither.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone, tzinfo
from functools import partial
from typing import Any, TypeVar
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

from sqlalchemy import Date, DateTime, Dialect, Time, event
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.types import TypeEngine

from migrate_async.runtime.bound_values import before_driver
from migrate_async.runtime.column_values import read_date, read_moment, read_time

_UTC = frozenset({"", "GMT", "UCT", "UTC", "Etc/UTC"})
"""Needs no database of time zones, which Windows does not have."""


_Kind = TypeVar("_Kind", bound=TypeEngine[Any])


class SessionZone:
    """The time zone of the sessions of one engine; UTC until it has connected."""

    def __init__(self) -> None:
        self.zone: tzinfo = timezone.utc

    def read(self, dbapi_connection: Any, _record: object = None) -> None:
        """Take it from a new connection."""
        name = dbapi_connection.driver_connection.get_settings().TimeZone
        self.zone = timezone.utc if name in _UTC else ZoneInfo(name)

    def without_zone(self, value: datetime) -> datetime:
        """`value` as a column without a time zone keeps it."""
        if value.tzinfo is None:
            return value
        return value.astimezone(self.zone).replace(tzinfo=None)

    def with_zone(self, value: datetime) -> datetime:
        """`value` as a column with a time zone keeps it."""
        return value.replace(tzinfo=self.zone) if value.tzinfo is None else value


_zones: WeakKeyDictionary[Dialect, SessionZone] = WeakKeyDictionary()


def session_zone(engine: AsyncEngine) -> SessionZone:
    """The time zone of the sessions of `engine`, on asyncpg, which reads it when it connects."""
    zone = _zones.get(engine.dialect)
    if zone is None:
        zone = _zones[engine.dialect] = SessionZone()
        event.listen(engine.sync_engine, "connect", zone.read)
    return zone


def take_times_as_psycopg2(engine: AsyncEngine) -> AsyncEngine:
    """Let the columns of `engine` take every `datetime`, and texts in the form of ISO 8601.

    Other drivers than asyncpg do so by themselves. The engine is given back.
    """
    dialect = engine.dialect
    if dialect.driver != "asyncpg":
        return engine
    zone = session_zone(engine)
    specs: dict[Any, Any] = dict(dialect.colspecs)
    specs[DateTime] = _taking(specs.get(DateTime, DateTime), partial(_moment, zone))
    specs[Date] = _taking(specs.get(Date, Date), lambda _, value: _read(read_date, value))
    specs[Time] = _taking(specs.get(Time, Time), partial(_time, zone))
    dialect.colspecs = specs
    return engine


def _taking(base: type[_Kind], convert: Callable[[_Kind, Any], Any]) -> type[_Kind]:
    return before_driver(base, "SessionZone", convert)


def _moment(zone: SessionZone, kind: DateTime, value: Any) -> Any:
    given = _read(read_moment, value)
    if not isinstance(given, datetime):
        return given
    if kind.timezone:
        return zone.with_zone(given)
    # An offset in a text says nothing where the column has none.
    return given.replace(tzinfo=None) if isinstance(value, str) else zone.without_zone(given)


def _time(zone: SessionZone, kind: Time, value: Any) -> Any:
    if isinstance(value, datetime):
        here = zone.with_zone(value).astimezone(zone.zone).timetz()
        return here if kind.timezone else here.replace(tzinfo=None)
    return value if kind.timezone else _read(read_time, value)


def _read(read: Callable[[str], Any], value: Any) -> Any:
    """What a text says; one of another form is left to the driver, which refuses it."""
    if not isinstance(value, str):
        return value
    try:
        return read(value.strip())
    except ValueError:
        return value
