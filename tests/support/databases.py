"""The databases tests run against, each test with one of its own.

SQLite is always there. PostgreSQL and MariaDB are found by environment variables; without them
a test is skipped, except on CI, where a missing server fails it.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import NullPool, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import create_async_engine

POSTGRESQL_VARIABLE = "MIGRATE_ASYNC_TEST_POSTGRESQL"
MARIADB_VARIABLE = "MIGRATE_ASYNC_TEST_MARIADB"
ASYNC_DRIVERS = {"postgresql": "postgresql+asyncpg", "mysql": "mysql+aiomysql"}
BACKENDS = ("sqlite", "postgresql", "mariadb")


def postgresql_url() -> str:
    """The PostgreSQL server, as a URL without a driver; skips the test when there is none."""
    return _server_url(POSTGRESQL_VARIABLE)


def mariadb_url() -> str:
    """The MariaDB server, as a URL without a driver; skips the test when there is none."""
    return _server_url(MARIADB_VARIABLE)


def _server_url(variable: str) -> str:
    url = os.environ.get(variable)
    if url:
        return url
    if os.environ.get("CI"):
        pytest.fail(f"{variable} must be set on CI")
    pytest.skip(f"{variable} is not set")


@asynccontextmanager
async def fresh_database(backend: str, folder: Path) -> AsyncIterator[str]:
    """The URL, without a driver, of an empty database that is dropped afterwards.

    :param backend: one of `BACKENDS`.
    :param folder: where a SQLite file may be put (`tmp_path`).
    """
    name = f"migrate_async_{uuid.uuid4().hex[:12]}"
    if backend == "sqlite":
        yield f"sqlite:///{folder / name}.db"
        return
    server = make_url(postgresql_url() if backend == "postgresql" else mariadb_url())
    await _run(server, f"CREATE DATABASE {name}")
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        force = " WITH (FORCE)" if backend == "postgresql" else ""
        await _run(server, f"DROP DATABASE {name}{force}")


async def _run(server: URL, statement: str) -> None:
    url = server.set(drivername=ASYNC_DRIVERS[server.get_backend_name()])
    engine = create_async_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(statement))
    await engine.dispose()
