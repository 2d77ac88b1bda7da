"""Numbers and UUIDs for text columns over asyncpg, against what psycopg2 makes of them."""

from __future__ import annotations

import enum
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import (
    CHAR,
    Column,
    Enum,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    Unicode,
    create_engine,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import make_url

from migrate_async.runtime.engine import async_engine_from_url
from support.databases import fresh_database


class Colour(str, enum.Enum):
    RED = "red"


_TABLE = Table(
    "notes",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("short", String(60)),
    Column("long", Text),
    Column("wide", Unicode(60)),
    Column("padded", CHAR(60)),
    Column("colour", Enum(Colour)),
    Column("several", ARRAY(String)),
)
_EAST = timezone(timedelta(hours=5, minutes=30))
_VALUES = [
    UUID("97375f47-0fb1-4459-ab36-97a5c1ba358f"),
    b"a key \x00\xff",
    *([], ["a"], ["a b", "", 'say "hi"', "null", "x,y", "{}", "back\\slash", None], [None]),
    *([1, 2], [1.5, 2.25], [True, False], ["line\nbreak", "tab\t", "ü", "no\u00a0break"]),
    *(date(2026, 1, 2), datetime(2026, 1, 2, 3, 4, 5), datetime(2026, 1, 2, 3, 4, 5, 250000)),
    *(time(3, 4), time(3, 4, 5, 1200)),
    *(datetime(2026, 7, 2, 3, 4, 5, 250000, timezone.utc), datetime(2026, 1, 2, tzinfo=_EAST)),
    *(7, -1, 2.5, 1e-7, Decimal("1.10"), Decimal("1E+2"), True, False, None, "plain", Colour.RED),
]
_ROWS = [
    {
        **dict.fromkeys(("short", "long", "wide", "padded"), value),
        "colour": "RED",
        "several": ["a", None],
    }
    for value in _VALUES
]


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata", "UTC"])
async def test_asyncpg_stores_what_psycopg2_does(tmp_path: Path, zone: str) -> None:
    async with fresh_database("postgresql", tmp_path) as url:
        parsed = make_url(url).set(query={"options": f"-ctimezone={zone}"})
        sync = create_engine(parsed.set(drivername="postgresql+psycopg2"))
        engine = async_engine_from_url(parsed)
        question = select(_TABLE).order_by(_TABLE.c.id)
        named = update(_TABLE).where(_TABLE.c.short == "plain").values(long=5)
        with sync.begin() as connection:
            _TABLE.create(connection)
            for row in _ROWS:
                connection.execute(insert(_TABLE), row)
            connection.execute(named)
            stored = [tuple(row)[1:] for row in connection.execute(question)]
            connection.execute(_TABLE.delete())
        async with engine.begin() as connection:
            for row in _ROWS:
                await connection.execute(insert(_TABLE), row)
            await connection.execute(named)
            ours = [tuple(row)[1:] for row in await connection.execute(question)]
        sync.dispose()
        await engine.dispose()
    assert ours == stored
