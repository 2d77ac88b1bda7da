"""The databases tests run against, each test with one of its own.

A process makes few databases in PostgreSQL and empties them after each test: making one takes half
a second. SQLite is always there. PostgreSQL and MariaDB are found by environment variables; without
them a test is skipped, except on CI, where a missing server fails it.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import NullPool, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

POSTGRESQL_VARIABLE = "MIGRATE_ASYNC_TEST_POSTGRESQL"
MARIADB_VARIABLE = "MIGRATE_ASYNC_TEST_MARIADB"
ASYNC_DRIVERS = {"postgresql": "postgresql+asyncpg", "mysql": "mysql+aiomysql"}
BACKENDS = ("sqlite", "postgresql", "mariadb")

_idle: list[str] = []
"""Names of empty PostgreSQL databases that no test uses."""


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
    """The URL, without a driver, of an empty database that nobody else uses.

    :param backend: one of `BACKENDS`.
    :param folder: where a SQLite file may be put (`tmp_path`).
    """
    name = f"migrate_async_{uuid.uuid4().hex[:12]}"
    if backend == "sqlite":
        yield f"sqlite:///{folder / name}.db"
        return
    if backend == "postgresql":
        name = _idle.pop() if _idle else await _create_postgresql(name)
        try:
            yield _url_of(postgresql_url(), name)
        finally:
            await _empty_postgresql(name)
            _idle.append(name)
        return
    await _run(mariadb_url(), f"CREATE DATABASE {name}")
    try:
        yield _url_of(mariadb_url(), name)
    finally:
        # A day is its default: whoever still holds a table fails the test instead.
        await _run(mariadb_url(), "SET lock_wait_timeout = 60", f"DROP DATABASE {name}")


async def drop_databases() -> None:
    """Drop what was kept for further tests; called when the last one has run."""
    while _idle:
        await _run(postgresql_url(), f"DROP DATABASE {_idle.pop()} WITH (FORCE)")


async def _create_postgresql(name: str) -> str:
    # No test cuts the power: a commit need not wait for the disk.
    lazily = f"ALTER DATABASE {name} SET synchronous_commit TO off"
    await _run(postgresql_url(), f"CREATE DATABASE {name}", lazily)
    return name


async def _empty_postgresql(name: str) -> None:
    await _run(
        _url_of(postgresql_url(), name),
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()",
        "DROP SCHEMA public CASCADE",
        "CREATE SCHEMA public",
        "GRANT ALL ON SCHEMA public TO public",
    )


def _url_of(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)


async def _run(address: str, *statements: str) -> None:
    server = make_url(address)
    url = server.set(drivername=ASYNC_DRIVERS[server.get_backend_name()])
    engine = create_async_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        for statement in statements:
            await connection.execute(text(statement))
    await engine.dispose()
