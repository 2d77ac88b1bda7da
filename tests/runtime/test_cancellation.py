"""What a cancelled task leaves behind: nothing, neither here nor on the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from migrate_async.runtime.cancellation import OrphanReaper, close_shielded
from migrate_async.runtime.database import Database
from support.databases import fresh_database
from support.server import eventually

TASKS = 20
SLEEP = {"postgresql": "SELECT pg_sleep(60)", "mysql": "SELECT SLEEP(60)"}
RUNNING = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity "
    "WHERE datname = current_database() AND state = 'active' AND query LIKE '%sleep(60)%' "
    "AND pid <> pg_backend_pid()",
    "mysql": "SELECT count(*) FROM information_schema.processlist "
    "WHERE db = database() AND info LIKE '%SLEEP(60)%' AND id <> connection_id()",
}


@pytest.fixture(params=["postgresql+asyncpg", "postgresql+psycopg", "mysql+aiomysql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    backend = "mariadb" if "mysql" in request.param else "postgresql"
    async with fresh_database(backend, tmp_path) as url:
        options = {"pool_size": TASKS, "max_overflow": 0}
        database = Database(make_url(url).set(drivername=request.param), engine_options=options)
        yield database
        await database.close()


async def running(database: Database) -> int:
    statement = text(RUNNING[database.engine.dialect.name])
    async with database.session() as session:
        return int((await session.execute(statement)).scalar_one())


async def sleep(database: Database) -> None:
    async with database.session() as session:
        await session.execute(text(SLEEP[database.engine.dialect.name]))


async def test_a_timeout_stops_the_query_on_the_server(database: Database) -> None:
    """Cancelled again and again, as by anyio: the driver's own attempt does not get through."""
    observer = Database(database.url)
    scopes = [anyio.CancelScope() for _ in range(TASKS)]

    async def task(scope: anyio.CancelScope) -> None:
        with scope:
            await sleep(database)

    async def all_run() -> bool:
        return await running(observer) == TASKS

    async def none_runs() -> bool:
        return await running(observer) == 0

    tasks = asyncio.gather(*(task(scope) for scope in scopes))
    await eventually(all_run)
    for scope in scopes:
        scope.cancel()
    await tasks

    await eventually(none_runs)
    await eventually(lambda: database.info().pool.checked_out == 0)
    await observer.close()


async def test_a_task_cancelled_twice_leaves_no_query(database: Database) -> None:
    """The second cancellation interrupts the clean-up of the first."""
    observer = Database(database.url)
    task = asyncio.create_task(sleep(database))
    await eventually(lambda: running(observer))

    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    async def none_runs() -> bool:
        return await running(observer) == 0

    await eventually(none_runs)
    await eventually(lambda: database.info().pool.checked_out == 0)
    await observer.close()


@pytest.mark.parametrize("options", [{"pgbouncer": True}, {"cancel_orphans": False}])
async def test_it_can_be_switched_off(
    options: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind PgBouncer a process id is not what it seems."""
    installed: list[object] = []
    monkeypatch.setattr(OrphanReaper, "install", lambda *arguments: installed.append(arguments))

    _ = Database("postgresql://h/d", engine_options=options).engine

    assert installed == []


async def test_sqlite_needs_none(tmp_path: Path) -> None:
    """Its queries run in this process."""
    engine = Database(f"sqlite:///{tmp_path / 'x.db'}").engine

    assert OrphanReaper.install(engine, lambda **_: engine) is None


async def test_a_cancellation_does_not_interrupt_closing(tmp_path: Path) -> None:
    """The wait for it ends, the connection comes back nevertheless."""
    database = Database(f"sqlite:///{tmp_path / 'x.db'}", engine_options={"pool_size": 1})
    session = database.sessionmaker()
    await session.execute(text("SELECT 1"))

    with anyio.CancelScope() as scope:
        scope.cancel()
        await close_shielded(session)

    assert scope.cancelled_caught
    await eventually(lambda: database.info().pool.checked_out == 0)
    await database.close()


@pytest.mark.parametrize("database", ["postgresql+asyncpg"], indirect=True)
async def test_an_unreachable_server_is_not_an_error_of_the_application(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """With the server away its queries are away as well; the log says that nobody could look."""
    database = Database(database.url, engine_options={"cancel_orphans": False})
    nowhere = Database("postgresql://postgres@127.0.0.1:1/d")
    OrphanReaper.install(database.engine, lambda **_: nowhere.engine)

    with anyio.move_on_after(0.2):
        await sleep(database)

    await eventually(lambda: "abandoned queries could not be cancelled" in caplog.text)
    await database.close()
