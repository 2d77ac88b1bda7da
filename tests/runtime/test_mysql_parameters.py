"""Bytes and sequences for a MySQL server, with a PyMySQL that aiomysql does not know."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from aiomysql import connection as aiomysql_connection
from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, insert, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from migrate_async import async_engine_from_url
from migrate_async.runtime.engine import create_async_engine
from support.databases import fresh_database

_TABLE = Table(
    "files", MetaData(), Column("id", Integer, primary_key=True), Column("data", LargeBinary)
)
_VALUES = [b"", b"plain", b"it's \\ %s \x00\xff", bytearray(b"more"), None]


@pytest.mark.parametrize("is_new", [False, True], ids=["as installed", "PyMySQL 1.2"])
@pytest.mark.parametrize("make", [async_engine_from_url, create_async_engine])
async def test_they_are_stored(
    make: Callable[..., AsyncEngine],
    is_new: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if is_new:
        said = "DO NOT IMPORT THIS!!!"
        monkeypatch.setattr(aiomysql_connection, "escape_bytes_prefixed", said)
    async with fresh_database("mariadb", tmp_path) as url:
        engine = make(url)
        async with engine.begin() as connection:
            await connection.run_sync(_TABLE.create)
            await connection.execute(insert(_TABLE), [{"data": value} for value in _VALUES])
            found = await connection.scalars(select(_TABLE.c.data).order_by(_TABLE.c.id))
            assert found.all() == _VALUES
            question = text("select id from files where data = :data")
            assert await connection.scalar(question, {"data": _VALUES[2]}) == 3
            question = text("select id from files where id in :ids and data in :data order by id")
            for ids in ((1, 2), [2, 1], {1, 2}, frozenset({1, 2})):
                given = {"ids": ids, "data": (b"plain", b"", "it's")}
                assert (await connection.scalars(question, given)).all() == [1, 2]
        await engine.dispose()
