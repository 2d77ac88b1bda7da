"""The pytest plugin: fixtures that share one transaction, rolled back after each test.

========================  ==========  ==============================================================
fixture                   scope       what it is
========================  ==========  ==============================================================
`db_session`              function    an `AsyncSession`
`legacy_session`          function    a sync `Session`, for `def` tests and sync fixtures
`db_connection`           function    an `AsyncConnection`
`client`                  function    an `httpx.AsyncClient` for the application
`legacy_client`           function    a Starlette `TestClient` for the application, for `def` tests
`db_transaction`          function    the `SharedTransaction` that all of these use
`scratch_database`        session     the database of the run, a `ScratchDatabase`
========================  ==========  ==============================================================

As long as a test uses one of the first six, *every* engine of the process uses its transaction: the
application runs unmodified, and its sessions may commit.

A project overrides these in its `conftest.py`:

========================  ==========  ==============================================================
`app`                     any         returns the ASGI application; needed by the two clients
`db_metadata`             session     the tables to create; default: `migrate_async_metadata` in the
                                      pytest configuration (`package.module:Base.metadata`), else
                                      those of `migrate_async.Base`
`db_schema`               session     makes the schema; default: creates the tables of `db_metadata`
`db_redirects`            session     a function `(Engine) -> bool`: which engines are redirected
========================  ==========  ==============================================================

The URL comes from `--db-url`, the environment variable `MIGRATE_ASYNC_DB_URL` or the setting
`migrate_async_db_url`; the default is SQLite in memory. A database of its own is created on that
server for each run and each xdist worker (`migrate_async_create_database = false`: use it as is).

Left out: what a test does with `Engine.raw_connection`, DDL on MySQL and MariaDB (it commits), and
the order of events described in `LostWorkWarning`.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

# This module is imported by every pytest of an environment: the rest only when it is used.
if TYPE_CHECKING:
    import httpx
    from sqlalchemy import Engine, MetaData
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
    from sqlalchemy.orm import Session

    from migrate_async.runtime.testing import ScratchDatabase, SharedTransaction

try:
    from pytest_asyncio import fixture as _async_fixture
except ImportError:  # anyio's plugin takes plain fixtures
    _async_fixture = pytest.fixture  # type: ignore[assignment]

URL_VARIABLE = "MIGRATE_ASYNC_DB_URL"
DEFAULT_METADATA = "migrate_async.runtime.base:Base.metadata"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("migrate-async")
    group.addoption("--db-url", help=f"server for the tests' database [{URL_VARIABLE}]")
    parser.addini("migrate_async_db_url", "server for the tests' database", default="sqlite://")
    parser.addini("migrate_async_metadata", "module:attribute of the tables to create")
    parser.addini(
        "migrate_async_create_database",
        "make a new database on the server for each run",
        type="bool",
        default=True,
    )


@pytest.fixture(scope="session")
def db_url(pytestconfig: pytest.Config) -> str:
    """The URL of the database server."""
    given = pytestconfig.getoption("--db-url") or os.environ.get(URL_VARIABLE)
    return str(given or pytestconfig.getini("migrate_async_db_url"))


@pytest.fixture(scope="session")
def db_metadata(pytestconfig: pytest.Config) -> MetaData:
    """The tables that the tests need."""
    path = (
        pytestconfig.getini("migrate_async_metadata") or "migrate_async.runtime.base:Base.metadata"
    )
    module_name, _, attributes = path.partition(":")
    found: Any = importlib.import_module(module_name)
    for attribute in attributes.split("."):
        found = getattr(found, attribute)
    return found  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def scratch_database(db_url: str, pytestconfig: pytest.Config) -> Iterator[ScratchDatabase]:
    """The database of this run, without tables."""
    from migrate_async.runtime.testing import ScratchDatabase  # noqa: PLC0415

    create = bool(pytestconfig.getini("migrate_async_create_database"))
    with ScratchDatabase(db_url, create=create) as database:
        yield database


@pytest.fixture(scope="session")
def db_schema(scratch_database: ScratchDatabase, db_metadata: MetaData) -> None:
    """Make the schema, once for all tests.

    To test the migrations along with it, override this::

        scratch_database.run(run_migrations(scratch_database.engine))
    """
    scratch_database.create_tables(db_metadata)


@pytest.fixture(scope="session")
def db_redirects() -> Callable[[Engine], bool]:
    """Say which engines use the transaction of the test: all."""
    return lambda engine: True  # noqa: ARG005


@pytest.fixture
def db_transaction(
    scratch_database: ScratchDatabase,
    db_schema: None,  # noqa: ARG001
    db_redirects: Callable[[Engine], bool],
) -> Iterator[SharedTransaction]:
    """The transaction of this test."""
    with scratch_database.transaction() as shared, shared.redirect(db_redirects):
        yield shared


@pytest.fixture
def db_connection(
    db_transaction: SharedTransaction, scratch_database: ScratchDatabase
) -> Iterator[AsyncConnection]:
    """A connection for SQL that needs no session."""
    connection = scratch_database.run(_connect(db_transaction))
    yield connection
    scratch_database.run(connection.close())


async def _connect(transaction: SharedTransaction) -> AsyncConnection:
    return await transaction.engine.connect()


@pytest.fixture
def db_session(
    db_transaction: SharedTransaction, scratch_database: ScratchDatabase
) -> Iterator[AsyncSession]:
    """An async session for the test itself; the application has its own."""
    session = db_transaction.async_session()
    yield session
    scratch_database.run(session.close())


@pytest.fixture
def legacy_session(db_transaction: SharedTransaction) -> Iterator[Session]:
    """A sync session for tests, fixtures and factories that are not migrated yet.

    In an async test use it inside a sync function: `await run_awaiting(make_user, legacy_session)`.
    """
    session = db_transaction.session()
    yield session
    session.close()


@_async_fixture
async def client(
    app: Any,
    db_transaction: SharedTransaction,  # noqa: ARG001
) -> AsyncIterator[httpx.AsyncClient]:
    """An async client of the application, started up and in the transaction of the test."""
    from migrate_async.runtime.testing.client import async_client  # noqa: PLC0415

    async with async_client(app) as http:
        yield http


@pytest.fixture
def legacy_client(
    app: Any,
    db_transaction: SharedTransaction,  # noqa: ARG001
) -> Iterator[Any]:
    """A sync client of the application, started up and in the transaction of the test."""
    from starlette.testclient import TestClient  # noqa: PLC0415

    with TestClient(app) as http:
        yield http
