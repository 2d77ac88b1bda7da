"""Engines and sessions with the defaults of the runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, StaticPool, text
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.pool import AsyncAdaptedQueuePool, Pool

from migrate_async.runtime.engine import (
    POOL_RECYCLE_SECONDS,
    async_engine_from_config,
    async_sessionmaker,
    create_async_engine,
    default_pool_options,
)
from migrate_async.runtime.pools import FairAsyncQueuePool, PoolState, pool_state
from migrate_async.runtime.urls import to_async_url


@pytest.mark.parametrize(
    ("url", "options", "pool"),
    [
        ("sqlite:///x.db", {}, NullPool),
        ("sqlite:///x.db", {"pool_size": 5}, FairAsyncQueuePool),
        ("sqlite://", {}, StaticPool),
        ("sqlite:///file::memory:?cache=shared&uri=true", {}, FairAsyncQueuePool),
        ("postgresql://h/d", {}, FairAsyncQueuePool),
        ("postgresql+psycopg://h/d", {}, FairAsyncQueuePool),
        ("mysql://h/d", {}, FairAsyncQueuePool),
        ("mysql://h/d", {"poolclass": NullPool}, NullPool),
        ("postgresql://h/d", {"poolclass": AsyncAdaptedQueuePool}, AsyncAdaptedQueuePool),
    ],
)
async def test_each_database_has_its_pool(
    url: str, options: dict[str, Any], pool: type[Pool]
) -> None:
    """Unless the caller names one."""
    assert type(create_async_engine(url, **options).pool) is pool


@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
def test_servers_are_pinged_and_connections_recycled(scheme: str) -> None:
    """A connection that a firewall dropped is replaced before a request meets it."""
    options = default_pool_options(to_async_url(f"{scheme}://h/d"), {})

    assert options["pool_pre_ping"] is True
    assert options["pool_recycle"] == POOL_RECYCLE_SECONDS


async def test_an_engine_from_a_configuration_takes_a_sync_url() -> None:
    """With the options given, and none of the defaults of `create_async_engine`."""
    section = {"sqlalchemy.url": "postgresql://h/d?application_name=a", "sqlalchemy.echo": "true"}
    engine = async_engine_from_config(section, poolclass=NullPool)

    assert str(engine.url) == "postgresql+asyncpg://h/d"
    assert engine.echo is True
    assert type(engine.pool) is NullPool
    assert section["sqlalchemy.url"] == "postgresql://h/d?application_name=a"


async def test_an_engine_from_a_configuration_adds_nothing_to_sqlite(tmp_path: Path) -> None:
    """Migrations drop and rename tables: foreign keys stay as SQLite has them, off."""
    engine = async_engine_from_config({"x.url": f"sqlite:///{tmp_path}/a.db"}, "x.")
    async with engine.connect() as connection:
        result = await connection.execute(text("PRAGMA foreign_keys"))
    await engine.dispose()

    assert result.scalar_one() == 0


async def test_options_of_the_caller_win_over_the_url() -> None:
    """As with SQLAlchemy's own arguments."""
    engine = create_async_engine("postgresql://h/d?connection_limit=3", pool_size=7)

    assert pool_state(engine.pool).size == 7


async def test_server_settings_of_url_and_caller_are_merged() -> None:
    """Not replaced as a whole."""
    seen: dict[str, Any] = {}

    async def connect(*_: object, **arguments: Any) -> None:
        seen.update(arguments)
        raise ConnectionRefusedError

    engine = create_async_engine(
        "postgresql://h/d?application_name=a&options=-cjit%3Doff",
        connect_args={"server_settings": {"jit": "on"}, "async_creator_fn": connect},
    )
    with pytest.raises(ConnectionRefusedError):
        await engine.connect()

    assert seen["server_settings"] == {"application_name": "a", "jit": "on"}


async def test_pools_without_numbers() -> None:
    """NullPool counts nothing."""
    assert pool_state(create_async_engine("sqlite:///x.db").pool) == PoolState("NullPool")


async def test_objects_stay_readable_after_a_commit(tmp_path: Path) -> None:
    """`expire_on_commit=False`; and a closed session stays closed."""
    engine = create_async_engine(f"sqlite:///{tmp_path / 'x.db'}")
    session = async_sessionmaker(engine)()

    assert session.sync_session.expire_on_commit is False
    await session.close()
    with pytest.raises(InvalidRequestError):
        await session.execute(text("SELECT 1"))


async def test_the_caller_may_choose_otherwise(tmp_path: Path) -> None:
    """Options of the session factory are passed on."""
    engine = create_async_engine(f"sqlite:///{tmp_path / 'x.db'}")
    session = async_sessionmaker(engine, expire_on_commit=True, close_resets_only=True)()

    assert session.sync_session.expire_on_commit is True
    await session.close()
    assert (await session.execute(text("SELECT 1"))).scalar() == 1
    await session.close()
