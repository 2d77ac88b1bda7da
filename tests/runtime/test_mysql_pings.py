"""Connections of a MySQL server are pinged with what the adapter of SQLAlchemy wants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.dialects.mysql import aiomysql
from sqlalchemy.dialects.mysql.pymysql import MySQLDialect_pymysql
from sqlalchemy.ext.asyncio import AsyncEngine

from migrate_async import async_engine_from_url
from migrate_async.runtime.engine import create_async_engine
from support.databases import mariadb_url


def _of_old(self: Any, reconnect: bool) -> Any:
    """As SQLAlchemy 2.0.41 has it."""
    from sqlalchemy.util import await_only

    return await_only(self._connection.ping(reconnect))


@pytest.mark.parametrize("is_old", [False, True])
@pytest.mark.parametrize("backend", ["mysql", "mariadb"])
@pytest.mark.parametrize("make", [async_engine_from_url, create_async_engine])
async def test_a_connection_is_given_out_again(
    make: Callable[..., AsyncEngine], backend: str, is_old: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if is_old:
        monkeypatch.setattr(aiomysql.AsyncAdapt_aiomysql_connection, "ping", _of_old)
        monkeypatch.setattr(MySQLDialect_pymysql, "_send_false_to_ping", False)
    url = mariadb_url().replace("mysql", backend, 1)
    engine = make(url, pool_pre_ping=True, pool_size=1)
    assert not is_old or engine.dialect._send_false_to_ping  # type: ignore[attr-defined]
    try:
        for _ in range(2):
            async with engine.connect() as connection:
                assert await connection.scalar(text("SELECT 1")) == 1
    finally:
        await engine.dispose()
