"""Values of the type `real` over asyncpg, against what psycopg2 makes of them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from sqlalchemy import (
    REAL,
    Column,
    Connection,
    Float,
    Integer,
    MetaData,
    Table,
    create_engine,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import make_url

from migrate_async.runtime.engine import async_engine_from_url
from support.databases import fresh_database

_TABLE = Table(
    "ratios",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("short", REAL),
    Column("single", Float(24)),
    Column("several", ARRAY(REAL)),
    Column("double", Float),
)


def _answers(connection: Connection) -> list[str]:
    _TABLE.create(connection)
    values = (0.1, 1 / 3, 1e10, 7, Decimal("1.239"), float("nan"), float("-inf"), None)
    rows = [{"short": one, "single": one, "several": [one, None], "double": one} for one in values]
    connection.execute(insert(_TABLE), rows)
    words = func.to_tsvector("a fat cat"), func.to_tsquery("cat")
    questions = [
        select(_TABLE).order_by(_TABLE.c.id),
        select(func.max(_TABLE.c.short), func.sum(_TABLE.c.short), func.avg(_TABLE.c.short)),
        select(func.array_agg(_TABLE.c.short)),
        select(_TABLE.c.short * 2, _TABLE.c.short + 0.1).where(_TABLE.c.short < 1),
        select(_TABLE.c.id).where(_TABLE.c.short == 7),
        select(func.ts_rank(*words), func.ts_rank_cd(*words)),
        text("select short, several from ratios order by id"),
        update(_TABLE).where(_TABLE.c.id == 1).values(short=0.7).returning(_TABLE.c.short),
    ]
    return [repr(connection.execute(question).all()) for question in questions]


async def test_they_are_what_the_server_says(tmp_path: Path) -> None:
    async with fresh_database("postgresql", tmp_path) as url:
        given = make_url(url).set(drivername="postgresql+psycopg2")
        sync = create_engine(given)
        with sync.begin() as connection:
            expected = _answers(connection)
            _TABLE.drop(connection)
        assert "(1, 0.1, 0.1, [0.1, None], 0.1)" in expected[0]
        engine = async_engine_from_url(given)
        async with engine.begin() as connection_:
            found = await connection_.run_sync(_answers)
        await engine.dispose()
        sync.dispose()
    assert found == expected
