"""Databases with a few books, and a clean shim for each test."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from migrate_async.runtime.database import Database
from migrate_async.runtime.legacy import modes
from migrate_async.runtime.legacy.deprecation import forget_legacy_uses
from migrate_async.runtime.legacy.install import uninstall
from migrate_async.runtime.legacy.loop import LoopThread
from migrate_async.runtime.legacy.sessions import legacy_engine
from support.databases import fresh_database
from support.legacy_books import fill


@pytest.fixture(autouse=True)
def clean_shim(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test installs what it needs, and sees only its own call sites and modes."""
    forget_legacy_uses()
    monkeypatch.setattr(modes, "_chosen", set())
    monkeypatch.setattr(modes, "_marked", set())
    yield
    uninstall()


@pytest.fixture(scope="session")
def postgresql_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One PostgreSQL database for all tests of a process: making one takes a second."""
    thread = LoopThread()
    opened = fresh_database("postgresql", tmp_path_factory.mktemp("unused"))
    yield thread.run(opened.__aenter__())
    thread.run(opened.__aexit__(None, None, None))
    thread.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database; what it holds is undefined."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/books.db"
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """A filled database with a pool of two connections."""
    async with opened(url) as database:
        yield database


@pytest.fixture
async def sqlite_database(tmp_path: Path) -> AsyncIterator[Database]:
    """The same in SQLite, for tests which the kind of database does not matter to."""
    async with opened(f"sqlite:///{tmp_path}/books.db") as database:
        yield database


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    options = {"pool_size": 2, "max_overflow": 0, "pool_timeout": 5}
    database = Database(url, engine_options=options)
    legacy_engine(database)  # as a database module does when it is imported
    await fill(database.engine)
    yield database
    await database.close()
