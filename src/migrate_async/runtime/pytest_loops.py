"""pytest: async engines of the application serve every event loop of a test run.

A `TestClient` runs the application on a loop of its own thread, while async tests and fixtures run
on pytest's. A pooled connection belongs to the loop that made it ("attached to a different loop"),
so under pytest engines that do not choose a pool get `NullPool`: each session connects anew, on
its own loop. In-memory SQLite keeps its single connection, which works on any loop.

Active wherever migrate-async is installed; `-p no:migrate_async_loops` turns it off.
"""

from __future__ import annotations

import functools
from typing import Any

import sqlalchemy.ext.asyncio
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import NullPool

_POOL_OPTIONS = ("pool_size", "max_overflow", "pool_timeout", "pool_use_lifo", "pool")

_create_async_engine = sqlalchemy.ext.asyncio.create_async_engine


@functools.wraps(_create_async_engine)
def create_async_engine(url: str | URL, **options: Any) -> Any:
    """SQLAlchemy's function, without a pool unless the caller asks for one."""
    if "poolclass" not in options and not _in_memory(make_url(url)):
        for name in _POOL_OPTIONS:
            options.pop(name, None)
        options["poolclass"] = NullPool
    return _create_async_engine(url, **options)


def _in_memory(url: URL) -> bool:
    if url.get_backend_name() != "sqlite":
        return False
    return url.database in (None, "", ":memory:") or "mode=memory" in str(url)


# This module is imported before any `conftest.py`, and so before the application.
sqlalchemy.ext.asyncio.create_async_engine = create_async_engine
