"""`create_async_engine` and `async_sessionmaker` with defaults that survive production."""

from __future__ import annotations

from typing import Any

from sqlalchemy import NullPool, StaticPool
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.ext.asyncio import async_sessionmaker as _async_sessionmaker
from sqlalchemy.ext.asyncio import create_async_engine as _create_async_engine

from migrate_async.runtime.pools import FairAsyncQueuePool
from migrate_async.runtime.sqlite import (
    BeginMode,
    Pragmas,
    install_sqlite,
    is_sqlite_memory,
    is_sqlite_shared_memory,
)
from migrate_async.runtime.urls import to_async_url

POOL_RECYCLE_SECONDS = 1800
"""Below the idle timeouts of common proxies and of MySQL's default `wait_timeout` (8 h)."""


def create_async_engine(
    url: str | URL,
    *,
    sqlite_begin: BeginMode = "IMMEDIATE",
    sqlite_pragmas: Pragmas | None = None,
    **options: Any,
) -> AsyncEngine:
    """`sqlalchemy.ext.asyncio.create_async_engine` for any of the common URLs."""
    url = to_async_url(url)
    engine = _create_async_engine(url, **{**default_pool_options(url, options), **options})
    if url.get_backend_name() == "sqlite":
        install_sqlite(engine.sync_engine, begin=sqlite_begin, pragmas=sqlite_pragmas)
    return engine


def async_sessionmaker(engine: AsyncEngine, **options: Any) -> _async_sessionmaker[AsyncSession]:
    """`async_sessionmaker` with objects that stay readable after a commit.

    `expire_on_commit=False`: reading an attribute after the commit needs no implicit I/O, which
    async code cannot do. `close_resets_only=False`: using a session after its request ended
    raises, instead of silently taking a connection that nobody returns.
    """
    defaults = {"expire_on_commit": False, "close_resets_only": False}
    return _async_sessionmaker(engine, **{**defaults, **options})


def default_pool_options(url: URL, options: dict[str, Any]) -> dict[str, Any]:
    """The pool arguments of `create_engine` for this database, where `options` name none.

    A SQLite file has no pool unless `pool_size` is given; then it has a bounded one.
    """
    if "poolclass" in options or "pool" in options:
        return {}
    fair: dict[str, Any] = {"poolclass": FairAsyncQueuePool}
    if url.get_backend_name() != "sqlite":
        return {**fair, "pool_pre_ping": True, "pool_recycle": POOL_RECYCLE_SECONDS}
    if is_sqlite_memory(url) and not is_sqlite_shared_memory(url):
        return {"poolclass": StaticPool}
    if is_sqlite_shared_memory(url) or "pool_size" in options:
        return fair
    return {"poolclass": NullPool}
