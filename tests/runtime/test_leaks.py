"""Every leak is found and named by the line which opened it."""

import asyncio
import gc
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from migrate_async.runtime.engine import async_sessionmaker, create_async_engine
from migrate_async.runtime.leaks import LeakDetector, detector, leaks, open_connections, watch_leaks
from migrate_async.runtime.legacy.bridge import run_awaiting
from migrate_async.runtime.legacy.engine import bridged_engine
from migrate_async.runtime.tracking import request_scope, track_session
from support.legacy_books import until


@pytest.fixture(autouse=True)
def watching() -> Iterator[None]:
    was_running = detector.running
    watch_leaks()
    detector.forget()
    yield
    if was_running:
        detector.forget()
    else:
        detector.stop()


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncEngine:
    return create_async_engine(f"sqlite:///{tmp_path}/leaks.db", pool_size=5)


def found() -> list[tuple[str, str, str, int]]:
    return [(leak.kind, leak.reason, leak.location.function, leak.count) for leak in leaks()]


async def test_a_session_in_use_is_open_and_no_leak(engine: AsyncEngine) -> None:
    async with async_sessionmaker(engine)() as session:
        await session.execute(text("SELECT 1"))
        (entry,) = [entry for entry in open_connections() if entry.location.filename == __file__]
        assert entry.location.function == "test_a_session_in_use_is_open_and_no_leak"
        assert str(entry).startswith(f"a connection opened at {__file__}:")
        assert entry.seconds >= 0
    assert found() == []
    assert entry not in open_connections()


async def test_an_async_session_dropped_by_its_function(engine: AsyncEngine) -> None:
    async def forgetful() -> None:
        await AsyncSession(engine).execute(text("SELECT 1"))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SQLAlchemy says that it happened, not where
        for _ in range(2):
            await forgetful()
            gc.collect()
    assert found() == [("connection", "dropped", "forgetful", 2)]


def test_a_sync_session_dropped_by_its_function(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/sync.db")

    def forgetful() -> None:
        Session(engine).execute(text("SELECT 1"))

    forgetful()
    gc.collect()
    assert found() == [("connection", "dropped", "forgetful", 1)]


async def test_a_sync_session_on_the_async_engine_dropped_in_a_thread(engine: AsyncEngine) -> None:
    def forgetful() -> None:
        Session(bridged_engine(engine)).execute(text("SELECT 1"))

    async with request_scope():
        await asyncio.to_thread(forgetful)
        gc.collect()
        await until(lambda: not open_connections())  # it is given back to the pool
    assert found() == [("connection", "dropped", "forgetful", 1)]


async def test_a_thread_s_connection_is_named_by_the_thread_s_line(engine: AsyncEngine) -> None:
    """It is checked out on the event loop, where the thread's stack is not to be seen."""

    def work() -> list[str]:
        with Session(bridged_engine(engine)) as session:
            session.execute(text("SELECT 1"))
            return [entry.location.function for entry in open_connections()]

    async with request_scope():
        assert "work" in await asyncio.to_thread(work)


async def test_a_session_which_outlives_its_request(engine: AsyncEngine) -> None:
    kept: list[AsyncSession] = []

    async def route() -> None:
        session = async_sessionmaker(engine)()
        await session.execute(text("SELECT 1"))
        kept.append(session)

    async with request_scope():
        await route()
        assert found() == []
    assert found() == [("connection", "request ended", "route", 1)]
    assert "outlived its request" in str(leaks()[0])
    await kept[0].close()
    assert found() == []


async def test_a_session_of_the_shim_which_the_request_did_not_close(engine: AsyncEngine) -> None:
    def route() -> None:
        session = Session(bridged_engine(engine))
        track_session(session)
        session.execute(text("SELECT 1"))

    async with request_scope(close=lambda session: run_awaiting(session.close)):
        await run_awaiting(route)
    assert found() == [("session", "request ended", "route", 1)]


async def test_each_line_is_logged_once(
    engine: AsyncEngine, caplog: pytest.LogCaptureFixture
) -> None:
    async def forgetful() -> None:
        await AsyncSession(engine).execute(text("SELECT 1"))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(3):
            await forgetful()
            gc.collect()
    lines = [record.message for record in caplog.records if "leak: " in record.message]
    assert len(lines) == 1
    assert f"a connection opened at {__file__}:" in lines[0]


async def test_a_stopped_detector_is_silent(engine: AsyncEngine) -> None:
    own = LeakDetector()
    own.start()
    own.start()
    own.stop()
    async with engine.connect():
        assert own.open_connections() == []
    assert own.leaks() == []
