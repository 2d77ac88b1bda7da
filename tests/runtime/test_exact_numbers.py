"""Floats for exact columns over asyncpg, against what psycopg2 makes of them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from sqlalchemy import (
    Column,
    Float,
    Integer,
    MetaData,
    Numeric,
    Table,
    create_engine,
    insert,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import make_url

from migrate_async.runtime.engine import async_engine_from_url
from support.databases import fresh_database

_TABLE = Table(
    "prices",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("exact", Numeric),
    Column("scaled", Numeric(10, 2)),
    Column("as_float", Numeric(asdecimal=False)),
    Column("inexact", Float),
    Column("several", ARRAY(Numeric)),
)
_ROWS = [
    {
        "exact": value,
        "scaled": value,
        "as_float": value,
        "inexact": value,
        "several": [value, None],
    }
    for value in (83.48, 1.005, 2.675, Decimal("1.10"), 7, 1e-7)
]


async def test_asyncpg_stores_what_psycopg2_does(tmp_path: Path) -> None:
    async with fresh_database("postgresql", tmp_path) as url:
        parsed = make_url(url)
        sync = create_engine(parsed.set(drivername="postgresql+psycopg2"))
        engine = async_engine_from_url(parsed)
        question = select(_TABLE).order_by(_TABLE.c.id)
        with sync.begin() as connection:
            _TABLE.create(connection)
            connection.execute(insert(_TABLE), _ROWS)
            stored = connection.execute(question).all()
            connection.execute(_TABLE.delete())
        async with engine.begin() as connection:
            await connection.execute(insert(_TABLE), _ROWS)
            ours = (await connection.execute(question)).all()
        assert [row[1:] for row in ours] == [row[1:] for row in stored]
        assert stored[0].exact == Decimal("83.48")
        await engine.dispose()
        sync.dispose()
