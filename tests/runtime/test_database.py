"""The `Database` object and the default one of the process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from migrate_async.runtime.database import (
    Database,
    check_db_connection,
    close_db,
    get_database,
    get_db_info,
    init_db,
    known_databases,
)
from migrate_async.runtime.errors import DatabaseAlreadyInitialised, DatabaseNotInitialised
from support.databases import BACKENDS, fresh_database


@pytest.fixture(autouse=True)
async def forget_databases(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    yield
    await close_db()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'data.db'}"


async def make_table(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("CREATE TABLE t (id INTEGER)"))


async def count(database: Database) -> int:
    async with database.session() as session:
        return int((await session.execute(text("SELECT count(*) FROM t"))).scalar_one())


async def test_a_transaction_commits_at_its_end(url: str) -> None:
    """`transaction()` for code outside of requests."""
    database = Database(url)
    await make_table(database)
    async with database.transaction() as session:
        await session.execute(text("INSERT INTO t VALUES (1)"))

    assert await count(database) == 1


async def test_a_transaction_that_raises_is_rolled_back(url: str) -> None:
    """The exception goes on."""
    database = Database(url)
    await make_table(database)

    async def fail() -> None:
        async with database.transaction() as session:
            await session.execute(text("INSERT INTO t VALUES (1)"))
            raise LookupError

    with pytest.raises(LookupError):
        await fail()

    assert await count(database) == 0


async def test_a_session_commits_only_when_told(url: str) -> None:
    """`session()` leaves it to the caller."""
    database = Database(url)
    await make_table(database)
    async with database.session() as session:
        await session.execute(text("INSERT INTO t VALUES (1)"))
        await session.commit()
        await session.execute(text("INSERT INTO t VALUES (2)"))

    assert await count(database) == 1


def test_no_driver_is_loaded_before_it_is_needed() -> None:
    """A module may make its `Database` when it is imported."""
    database = Database("mysql+asyncmy://u:secret@h/d", name="other")

    assert repr(database) == "Database('mysql+asyncmy://u:***@h/d', name='other')"


def test_a_database_needs_a_url() -> None:
    """Given, or in the environment."""
    with pytest.raises(DatabaseNotInitialised, match="DATABASE_URL"):
        Database()


async def test_init_db_makes_the_default_database(url: str) -> None:
    """The same settings again are no second database."""
    database = init_db(url)

    assert init_db(url) is database
    assert get_database() is database
    assert known_databases() == (database,)


async def test_other_settings_are_refused(url: str) -> None:
    """Two modules which disagree must not silently share a pool."""
    init_db(url)

    with pytest.raises(DatabaseAlreadyInitialised, match="close_db"):
        init_db(url, engine_options={"pool_size": 9})


async def test_several_databases_have_names(url: str) -> None:
    """And are closed one by one, or all at once."""
    default, reports = init_db(url), init_db(url, name="reports")

    assert get_database("reports") is reports
    await close_db("reports")
    assert known_databases() == (default,)
    await close_db()
    with pytest.raises(DatabaseNotInitialised, match="default"):
        get_database()


async def test_the_default_database_comes_from_the_environment(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any call, if need be; a named one does not."""
    monkeypatch.setenv("DATABASE_URL", url)

    assert get_database().url.database == url.removeprefix("sqlite:///")
    with pytest.raises(DatabaseNotInitialised, match="reports"):
        get_database("reports")


@pytest.mark.parametrize("backend", BACKENDS)
async def test_check_and_info(backend: str, tmp_path: Path) -> None:
    """A round trip with its latency; driver, server version and pool."""
    async with fresh_database(backend, tmp_path) as url:
        init_db(url, engine_options={"pool_size": 3})
        assert get_db_info().server_version is None

        check = await check_db_connection()

        info = get_db_info()
        await close_db()
    assert check
    assert check.error is None
    assert 0 < check.latency_ms < 5000
    assert info.driver in ("aiosqlite", "asyncpg", "aiomysql")
    assert info.server_version
    assert info.server_version[0].isdigit()
    assert (info.pool.size, info.pool.checked_out, info.pool.idle) == (3, 0, 1)


async def test_a_failed_check_tells_no_secrets() -> None:
    """Only the type of the error: its message may name hosts and users."""
    database = Database("postgresql://u:secret@127.0.0.1:1/d?sslpassword=secret")

    check = await database.check()

    assert not check
    assert check.error in ("ConnectionRefusedError", "OperationalError", "OSError")
    assert "secret" not in f"{check}{database.info()}{database!r}{database.engine!r}"


async def test_a_check_waits_no_longer_than_told(url: str) -> None:
    """Here for a connection that nobody returns."""
    database = Database(url, engine_options={"pool_size": 1, "max_overflow": 0})
    async with database.engine.connect():
        check = await database.check(timeout=0.01)

    assert check.error == "TimeoutError"
    await database.close()


async def test_connect_fails_at_once_on_a_wrong_url(tmp_path: Path) -> None:
    """Better when the process starts than in the first request."""
    await Database(f"sqlite:///{tmp_path / 'ok.db'}").connect()
    with pytest.raises((OSError, OperationalError)):
        await Database("postgresql://127.0.0.1:1/d").connect()


async def test_a_lifespan_closes_the_pool(url: str) -> None:
    """`FastAPI(lifespan=database.lifespan)`."""
    database = Database(url, engine_options={"pool_size": 1})
    async with database.lifespan():
        await database.connect()
        assert database.info().pool.idle == 1

    assert database.info().pool.idle == 0
