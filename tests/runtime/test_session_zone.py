"""Times with and without a zone over asyncpg, against what psycopg2 makes of them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Column, DateTime, Integer, MetaData, Table, create_engine, insert, select
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP
from sqlalchemy.engine import make_url

from migrate_async.runtime.engine import async_engine_from_config, async_engine_from_url
from support.databases import fresh_database

_TABLE = Table(
    "times",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("plain", DateTime),
    Column("zoned", DateTime(timezone=True)),
    Column("special", TIMESTAMP(precision=0)),
    Column("several", ARRAY(DateTime)),
)
_AWARE = datetime(2026, 7, 1, 12, 30, tzinfo=timezone(timedelta(hours=3)))
_NAIVE = datetime(2026, 7, 1, 12, 30)
_ROWS = [
    {"plain": value, "zoned": value, "special": value, "several": [value, None]}
    for value in (_AWARE, _NAIVE)
] + [{"plain": None, "zoned": None, "special": None, "several": None}]


@pytest.mark.parametrize("zone", ["America/New_York", "UTC"])
@pytest.mark.parametrize("from_config", [False, True], ids=["url", "config"])
async def test_asyncpg_stores_what_psycopg2_does(
    tmp_path: Path, zone: str, from_config: bool
) -> None:
    async with fresh_database("postgresql", tmp_path) as url:
        parsed = make_url(url).set(query={"options": f"-ctimezone={zone}"})
        sync = create_engine(parsed.set(drivername="postgresql+psycopg2"))
        if from_config:
            text = parsed.render_as_string(hide_password=False)
            engine = async_engine_from_config({"sqlalchemy.url": text})
        else:
            engine = async_engine_from_url(parsed)
        question = select(_TABLE).order_by(_TABLE.c.id)
        later = select(_TABLE.c.id).where(_TABLE.c.plain >= _AWARE, _TABLE.c.zoned >= _NAIVE)
        with sync.begin() as connection:
            _TABLE.create(connection)
            connection.execute(insert(_TABLE), _ROWS)
            stored = connection.execute(question).all()
            found = connection.execute(later).all()
            connection.execute(_TABLE.delete())
        async with engine.begin() as connection:
            await connection.execute(insert(_TABLE), _ROWS)
            ours = (await connection.execute(question)).all()
            assert [row[1:] for row in ours] == [row[1:] for row in stored]
            assert len((await connection.execute(later)).all()) == len(found)
        assert stored[0].plain != stored[1].plain
        await engine.dispose()
        sync.dispose()


async def test_other_drivers_are_left_alone(tmp_path: Path) -> None:
    engine = async_engine_from_url(f"sqlite:///{tmp_path}/times.db")
    assert "colspecs" not in vars(engine.dialect)
    await engine.dispose()
