"""SQLite: writers queue up, constraints hold, transactions are what they say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from migrate_async.runtime.engine import async_sessionmaker, create_async_engine
from migrate_async.runtime.sqlite import install_sqlite, is_sqlite_memory, is_sqlite_shared_memory
from migrate_async.runtime.urls import parse_url, to_sync_url


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(f"sqlite:///{tmp_path / 'data.db'}")
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE counter (id INTEGER PRIMARY KEY, n INTEGER)"))
        await connection.execute(text("INSERT INTO counter VALUES (1, 0)"))
    yield engine
    await engine.dispose()


async def scalar(engine: AsyncEngine, statement: str) -> Any:
    async with engine.connect() as connection:
        return (await connection.execute(text(statement))).scalar()


async def count_up(engine: AsyncEngine, tasks: int, rounds: int) -> None:
    """Each task reads and then writes: the pattern that fails with deferred transactions."""
    sessions = async_sessionmaker(engine)

    async def task() -> None:
        for _ in range(rounds):
            async with sessions.begin() as session:
                n = await session.scalar(text("SELECT n FROM counter"))
                await session.execute(text("UPDATE counter SET n = :n"), {"n": (n or 0) + 1})

    await asyncio.gather(*(task() for _ in range(tasks)))


@pytest.mark.parametrize("options", [{}, {"pool_size": 5}, {"pool_size": 1, "max_overflow": 0}])
async def test_no_writer_meets_a_locked_database(
    engine: AsyncEngine, options: dict[str, Any]
) -> None:
    """Forty writers at a time, with the default NullPool and with a bounded pool."""
    own = create_async_engine(engine.url, **options)
    await count_up(own, tasks=40, rounds=2)
    await own.dispose()

    assert await scalar(engine, "SELECT n FROM counter") == 80


async def test_many_first_connections_at_once(tmp_path: Path) -> None:
    """Switching a new file to the write-ahead log takes a lock, too."""
    engine = create_async_engine(f"sqlite:///{tmp_path / 'new.db'}")

    modes = await asyncio.gather(*(scalar(engine, "PRAGMA journal_mode") for _ in range(30)))

    assert set(modes) == {"wal"}
    await engine.dispose()


async def test_the_settings_of_a_connection(engine: AsyncEngine) -> None:
    """Write-ahead log, thirty seconds of patience, foreign keys."""
    assert await scalar(engine, "PRAGMA journal_mode") == "wal"
    assert await scalar(engine, "PRAGMA busy_timeout") == 30_000
    assert await scalar(engine, "PRAGMA foreign_keys") == 1


async def test_settings_can_be_replaced_and_added(tmp_path: Path) -> None:
    """Name by name."""
    pragmas = {"busy_timeout": 5, "synchronous": "NORMAL"}
    engine = create_async_engine(f"sqlite:///{tmp_path / 'data.db'}", sqlite_pragmas=pragmas)

    assert await scalar(engine, "PRAGMA busy_timeout") == 5
    assert await scalar(engine, "PRAGMA synchronous") == 1
    assert await scalar(engine, "PRAGMA foreign_keys") == 1
    await engine.dispose()


async def test_foreign_keys_hold(engine: AsyncEngine) -> None:
    """SQLite ignores them unless told."""
    async with engine.connect() as connection:
        await connection.execute(text("CREATE TABLE child (id INTEGER REFERENCES counter (id))"))
        with pytest.raises(IntegrityError):
            await connection.execute(text("INSERT INTO child VALUES (404)"))


async def test_a_rollback_undoes_what_a_savepoint_released(engine: AsyncEngine) -> None:
    """Broken in the driver's own mode, which commits behind the savepoint's back."""
    async with engine.connect() as connection:
        async with connection.begin_nested():
            await connection.execute(text("UPDATE counter SET n = 9"))
        await connection.rollback()

    assert await scalar(engine, "SELECT n FROM counter") == 0


async def test_a_rollback_undoes_ddl(engine: AsyncEngine) -> None:
    """Migrations are all or nothing."""
    async with engine.connect() as connection:
        await connection.execute(text("CREATE TABLE other (id INTEGER)"))
        await connection.rollback()

    assert await scalar(engine, "SELECT count(*) FROM sqlite_master WHERE name = 'other'") == 0


async def test_a_deferred_transaction_reads_beside_a_writer(engine: AsyncEngine) -> None:
    """Per connection, by an execution option."""
    async with engine.connect() as writer, engine.connect() as reader:
        await writer.execute(text("UPDATE counter SET n = 1"))
        await reader.execution_options(sqlite_begin="DEFERRED")
        assert (await reader.execute(text("SELECT n FROM counter"))).scalar() == 0


async def test_an_immediate_transaction_waits_for_the_writer(tmp_path: Path) -> None:
    """And gives up after the busy timeout."""
    url = f"sqlite:///{tmp_path / 'data.db'}"
    engine = create_async_engine(url, sqlite_pragmas={"busy_timeout": 1})
    async with engine.connect() as first, engine.connect() as second:
        await first.execute(text("CREATE TABLE t (id INTEGER)"))
        with pytest.raises(OperationalError, match="locked"):
            await second.execute(text("SELECT 1"))
    await engine.dispose()


async def test_autocommit_begins_no_transaction(engine: AsyncEngine) -> None:
    """VACUUM works in autocommit only."""
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("VACUUM"))


async def test_sessions_on_one_in_memory_connection_share_its_transaction() -> None:
    """Two at a time work; isolated from each other they are not."""
    engine = create_async_engine("sqlite://")
    async with engine.begin() as first, engine.connect() as second:
        await first.execute(text("CREATE TABLE t (id INTEGER)"))
        await second.execute(text("INSERT INTO t VALUES (1)"))
        assert (await first.execute(text("SELECT count(*) FROM t"))).scalar() == 1
    await engine.dispose()


async def test_shared_memory_has_a_connection_for_each_session() -> None:
    """And keeps its data from checkout to checkout."""
    engine = create_async_engine("sqlite:///file:shared-test?mode=memory&cache=shared&uri=true")
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE t (id INTEGER)"))

    assert await scalar(engine, "SELECT count(*) FROM t") == 0
    await engine.dispose()


@pytest.mark.parametrize(
    ("url", "in_memory", "shared"),
    [
        ("sqlite://", True, False),
        ("sqlite:///:memory:", True, False),
        ("sqlite:///file::memory:?cache=shared&uri=true", True, True),
        ("sqlite:///file:x?mode=memory&cache=shared&uri=true", True, True),
        ("sqlite:///x.db", False, False),
        ("sqlite:///file:x.db?cache=shared&uri=true", False, False),
    ],
)
def test_where_the_database_lives(url: str, in_memory: bool, shared: bool) -> None:
    """By name or by URI."""
    assert is_sqlite_memory(parse_url(url)) is in_memory
    assert is_sqlite_shared_memory(parse_url(url)) is shared


def test_a_sync_engine_gets_the_same_settings(tmp_path: Path) -> None:
    """Unmigrated code beside the async engine must not lock it out."""
    from sqlalchemy import create_engine

    engine = create_engine(to_sync_url(f"sqlite:///{tmp_path / 'data.db'}"))
    install_sqlite(engine)
    with engine.begin() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
    engine.dispose()
