"""Times with and without a zone over asyncpg, against what psycopg2 makes of them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import (
    Column,
    Date,
    DateTime,
    Integer,
    MetaData,
    Table,
    Time,
    create_engine,
    insert,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

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
    Column("day", Date),
    Column("hour", Time),
)
_AWARE = datetime(2026, 7, 1, 12, 30, tzinfo=timezone(timedelta(hours=3)))
_NAIVE = datetime(2026, 7, 1, 12, 30)
_ROWS = [
    {"plain": value, "zoned": value, "special": value, "several": [value, None], "hour": value}
    for value in (_AWARE, _NAIVE)
] + [{"plain": None, "zoned": None, "special": None, "several": None, "hour": None}]
_TEXTS = [
    {"plain": said, "zoned": said, "special": said, "several": [said, None], "day": said}
    for said in (
        "2026-07-01T12:30:05.250000+03:00",
        "2026-07-01T12:30:05Z",
        "2026-07-01 12:30:05.123",
        " 2026-07-01 ",
    )
] + [{"hour": "12:30"}, {"hour": "12:30:05.250"}, {"hour": "12:30:05+03:00"}]


@pytest.mark.parametrize("zone", ["America/New_York", "UTC"])
@pytest.mark.parametrize("from_config", [False, True], ids=["url", "config"])
async def test_asyncpg_stores_what_psycopg2_does(
    tmp_path: Path, zone: str, from_config: bool
) -> None:
    async with fresh_database("postgresql", tmp_path) as url:
        parsed = make_url(url).set(query={"options": f"-ctimezone={zone}"})
        sync = create_engine(parsed.set(drivername="postgresql+psycopg2"))
        if from_config:
            given = parsed.render_as_string(hide_password=False)
            engine = async_engine_from_config({"sqlalchemy.url": given})
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


@pytest.mark.parametrize("zone", ["America/New_York", "UTC"])
async def test_asyncpg_reads_texts_as_psycopg2_does(tmp_path: Path, zone: str) -> None:
    async with fresh_database("postgresql", tmp_path) as url:
        parsed = make_url(url).set(query={"options": f"-ctimezone={zone}"})
        sync = create_engine(parsed.set(drivername="postgresql+psycopg2"))
        engine = async_engine_from_url(parsed)
        question = select(_TABLE).order_by(_TABLE.c.id)
        moved = (
            pg_insert(_TABLE)
            .values(id=1, day="2026-07-02")
            .on_conflict_do_update(index_elements=[_TABLE.c.id], set_={"zoned": "2026-07-02"})
        )
        with sync.begin() as connection:
            _TABLE.create(connection)
            for row in _TEXTS:
                connection.execute(insert(_TABLE), row)
            connection.execute(moved)
            stored = connection.execute(question).all()
            connection.execute(_TABLE.delete())
            connection.execute(text("alter sequence times_id_seq restart"))
        async with engine.begin() as connection:
            for row in _TEXTS:
                await connection.execute(insert(_TABLE), row)
            await connection.execute(moved)
            ours = (await connection.execute(question)).all()
            assert [row[1:] for row in ours] == [row[1:] for row in stored]
        await engine.dispose()
        sync.dispose()


async def test_asyncpg_refuses_other_texts(tmp_path: Path) -> None:
    """What no ISO 8601 is: psycopg2 left `tomorrow` to the server, asyncpg does not."""
    async with fresh_database("postgresql", tmp_path) as url:
        engine = async_engine_from_url(url)
        async with engine.connect() as connection:
            await connection.run_sync(_TABLE.create)
            with pytest.raises(DBAPIError, match="tomorrow"):
                await connection.execute(insert(_TABLE).values(day="tomorrow"))
        await engine.dispose()


async def test_other_drivers_are_left_alone(tmp_path: Path) -> None:
    engine = async_engine_from_url(f"sqlite:///{tmp_path}/times.db")
    assert "colspecs" not in vars(engine.dialect)
    await engine.dispose()
