"""Times as psycopg2 took them, for asyncpg: the time zone of the database session decides.

psycopg2 writes a `datetime` with a zone as `timestamptz` and one without as `timestamp`, and the
server makes of it what the column is. asyncpg refuses the one for a column without a time zone, and
takes the other, for a column with one, as local time of the client.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import DateTime, Dialect, event
from sqlalchemy.ext.asyncio import AsyncEngine

_UTC = frozenset({"", "GMT", "UCT", "UTC", "Etc/UTC"})
"""Needs no database of time zones, which Windows does not have."""


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


def take_times_as_psycopg2(engine: AsyncEngine) -> AsyncEngine:
    """Let the columns of `engine` take every `datetime`; it is given back.

    Other drivers than asyncpg do so by themselves.
    """
    dialect = engine.dialect
    if dialect.driver != "asyncpg":
        return engine
    zone = SessionZone()
    event.listen(engine.sync_engine, "connect", zone.read)
    specs: dict[Any, Any] = dict(dialect.colspecs)
    specs[DateTime] = _taking_all(specs.get(DateTime, DateTime), zone)
    dialect.colspecs = specs
    return engine


def _taking_all(base: type[DateTime], zone: SessionZone) -> type[DateTime]:
    """`base`, whose values go through `zone` on their way to the database."""

    def bind_processor(self: DateTime, dialect: Dialect) -> Callable[[Any], Any]:
        convert = zone.with_zone if self.timezone else zone.without_zone
        before = base.bind_processor(self, dialect)

        def process(value: Any) -> Any:
            given = before(value) if before is not None else value
            return convert(given) if isinstance(given, datetime) else given

        return process

    return type(f"SessionZone{base.__name__}", (base,), {"bind_processor": bind_processor})
