"""A column type for instants: aware datetimes in UTC on every database.

PostgreSQL keeps the time zone itself. SQLite and MySQL drop it, so a value written as aware comes
back naive and the first comparison raises `TypeError`; MySQL also cuts off the fraction of a second
unless the column asks for it. `UTCDateTime` evens this out.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from sqlalchemy import DateTime, Dialect
from sqlalchemy.dialects import mysql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import TypeDecorator, TypeEngine


def utcnow() -> datetime:
    """Return the current time as an aware datetime in UTC, to the microsecond."""
    return datetime.now(timezone.utc)


class UTCDateTime(TypeDecorator[datetime]):
    """An aware datetime, given back in UTC; a naive one is refused with `ValueError`."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name in {"mysql", "mariadb"}:
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone: use datetime.now(timezone.utc)")
        value = value.astimezone(timezone.utc)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            return value.replace(tzinfo=timezone.utc)
        return value.astimezone(timezone.utc)


class utc_now(GenericFunction[datetime]):  # noqa: N801  SQL functions are lower case
    """The database's own clock in UTC, as the server default of a `UTCDateTime` column.

    Plain `now()` is local time on MySQL and has no fraction of a second on SQLite.
    """

    type = UTCDateTime()
    inherit_cache = True


@compiles(utc_now)
def _now(_element: utc_now, _compiler: Any, **_: Any) -> str:
    return "CURRENT_TIMESTAMP"


@compiles(utc_now, "sqlite")
def _now_sqlite(_element: utc_now, _compiler: Any, **_: Any) -> str:
    # Six digits, as SQLAlchemy writes them: text of equal length sorts as time does.
    return "(strftime('%Y-%m-%d %H:%M:%f000', 'now'))"


@compiles(utc_now, "mysql", "mariadb")
def _now_mysql(_element: utc_now, _compiler: Any, **_: Any) -> str:
    return "(utc_timestamp(6))"
