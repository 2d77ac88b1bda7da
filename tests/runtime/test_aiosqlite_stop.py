"""A connection to SQLite whose task is cancelled while it closes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from migrate_async.runtime.engine import async_engine_from_url, create_async_engine


async def driver_connection(connection: AsyncConnection) -> Any:
    return (await connection.get_raw_connection()).driver_connection


@pytest.mark.parametrize("make", [create_async_engine, async_engine_from_url])
async def test_a_close_that_is_stopped_and_cancelled_ends(
    tmp_path: Path, make: Callable[[str], AsyncEngine]
) -> None:
    """As by SQLAlchemy and then by the end of the event loop, while the thread is busy."""
    engine = make(f"sqlite:///{tmp_path}/data.db")
    connection = await engine.connect()
    driver = await driver_connection(connection)
    go_on = threading.Event()
    await driver.create_function("wait", 0, go_on.wait)
    busy = asyncio.create_task(driver.execute("SELECT wait()").__aenter__())
    await asyncio.sleep(0)
    closing = asyncio.create_task(driver.close())
    await asyncio.sleep(0)

    driver.stop()
    closing.cancel()
    go_on.set()

    await asyncio.wait([busy, closing], timeout=10)
    assert closing.cancelled()
    await connection.invalidate()
    await connection.close()


async def test_a_connection_is_closed_as_ever(tmp_path: Path) -> None:
    engine = create_async_engine(f"sqlite:///{tmp_path}/data.db")
    async with engine.connect() as connection:
        driver = await driver_connection(connection)
        thread = driver._thread
        assert thread.is_alive()
    await asyncio.to_thread(thread.join, 10)
    assert not thread.is_alive()
