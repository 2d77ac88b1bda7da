"""Intervals over asyncpg: of one row and of many, also in rows that an INSERT returns."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, Interval, MetaData, Table, insert, select
from sqlalchemy.engine import make_url

from migrate_async.runtime.engine import async_engine_from_url
from support.databases import fresh_database

_TABLE = Table(
    "spans", MetaData(), Column("id", Integer, primary_key=True), Column("span", Interval)
)
_DAY = timedelta(days=1)


@pytest.mark.parametrize("given", [[_DAY, None, _DAY], ["1 day", "1 day"], [_DAY]])
async def test_rows_of_one_statement(tmp_path: Path, given: list[object]) -> None:
    rows = [{"span": value} for value in given]
    expected = [None if value is None else _DAY for value in given]
    async with fresh_database("postgresql", tmp_path) as url:
        engine = async_engine_from_url(make_url(url).set(drivername="postgresql+psycopg2"))
        async with engine.begin() as connection:
            await connection.run_sync(_TABLE.create)
            returned = await connection.execute(insert(_TABLE).returning(_TABLE.c.span), rows)
            assert returned.scalars().all() == expected
            await connection.execute(insert(_TABLE), rows)
            found = await connection.scalars(select(_TABLE.c.span).order_by(_TABLE.c.id))
            assert found.all() == expected * 2
        await engine.dispose()
