"""Connections stay on their loops, and a dead loop takes its pool with it."""

import asyncio
import threading

import pytest
import sqlalchemy.ext.asyncio
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session
from sqlalchemy.pool import AsyncAdaptedQueuePool

from migrate_async.runtime.database import Database
from migrate_async.runtime.legacy.bridge import run_awaiting
from migrate_async.runtime.legacy.engine import BridgedEngine, bridged_engine
from migrate_async.runtime.legacy.install import install
from migrate_async.runtime.legacy.loop import home_loop, stop_loop
from migrate_async.runtime.legacy.loop_pools import SecondPoolWarning
from migrate_async.runtime.legacy.scripts import run_async
from migrate_async.runtime.urls import to_async_url

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def ask(engine: BridgedEngine) -> int:
    with Session(engine) as session:
        return session.execute(text("SELECT 1")).scalar_one()


def test_a_script_an_application_and_the_next_one_share_an_engine(url: str) -> None:
    """As a test suite does: tables first, then one loop per test client."""
    engine = bridged_engine(Database(url, engine_options={"pool_size": 2}).engine)
    for _ in range(3):
        assert ask(engine) == 1
        assert asyncio.run(run_awaiting(ask, engine)) == 1
    engine.dispose()


def test_an_application_which_connected_first_keeps_the_engine_s_pool(url: str) -> None:
    database = Database(url, engine_options={"pool_size": 2})
    engine = bridged_engine(database.engine)

    async def serve() -> bool:
        async with database.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
        return engine.pools.pool_for(asyncio.get_running_loop()) is database.engine.pool

    assert asyncio.run(serve())
    if engine.pools.tied:
        assert engine.pools.pool_for(home_loop()) is not database.engine.pool


def open_twice(database: Database) -> tuple[int, int]:
    """The connections in the engine's pool after async code, then sync code used it."""

    async def serve() -> tuple[int, int]:
        async with database.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
        before = database.engine.pool.checkedin()  # type: ignore[attr-defined]
        assert await run_awaiting(ask, bridged_engine(database.engine)) == 1
        return before, database.engine.pool.checkedin()  # type: ignore[attr-defined]

    return asyncio.run(serve())


def test_async_code_may_connect_before_the_legacy_factory_exists(postgresql_url: str) -> None:
    """One engine, one pool: the sync code takes the very connection."""
    database = Database(postgresql_url, engine_options={"pool_size": 2})
    assert open_twice(database) == (1, 1)
    assert bridged_engine(database.engine).pools.others() == []


def test_what_start_up_code_opened_makes_room(postgresql_url: str) -> None:
    """`run_async` at import time, then the application serves."""
    database = Database(postgresql_url, engine_options={"pool_size": 2})
    run_async(database.connect())
    assert database.engine.pool.checkedin() == 1  # type: ignore[attr-defined]
    engine = bridged_engine(database.engine)
    assert asyncio.run(run_awaiting(ask, engine)) == 1
    assert engine.pools.others() == []


def test_a_second_pool_is_announced(postgresql_url: str) -> None:
    """For an engine which was made elsewhere, and connected before anybody watched."""
    engine = sqlalchemy.ext.asyncio.create_async_engine(
        to_async_url(postgresql_url), poolclass=AsyncAdaptedQueuePool
    )

    async def serve() -> None:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
        with pytest.warns(SecondPoolWarning, match="before the shim knew of the engine"):
            assert await run_awaiting(ask, bridged_engine(engine)) == 1
        await run_awaiting(bridged_engine(engine).dispose)

    asyncio.run(serve())


def test_a_session_outlives_the_loop_of_its_connection(url: str) -> None:
    """A test's session lent to an application whose loop then ended."""
    engine = bridged_engine(Database(url, engine_options={"pool_size": 2}).engine)
    session = Session(engine)

    async def serve() -> None:
        await run_awaiting(session.execute, text("SELECT 1"))

    asyncio.run(serve())
    session.close()
    assert session.execute(text("SELECT 2")).scalar_one() == 2
    session.close()
    engine.dispose()


def test_a_session_of_one_loop_is_used_on_another(url: str) -> None:
    """A session opened in the test, handed to the application by an override."""
    engine = bridged_engine(Database(url, engine_options={"pool_size": 2}).engine)
    session = Session(engine)
    session.execute(text("SELECT 1"))

    async def serve() -> int:
        in_greenlet = await run_awaiting(session.execute, text("SELECT 20"))
        in_thread = await asyncio.to_thread(session.execute, text("SELECT 22"))
        return int(in_greenlet.scalar_one() + in_thread.scalar_one())

    assert asyncio.run(serve()) == 42
    session.close()
    engine.dispose()


def test_threads_are_served_by_the_loop_thread(url: str) -> None:
    engine = bridged_engine(Database(url, engine_options={"pool_size": 2}).engine)
    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(ask(engine))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [1] * 8
    engine.dispose()


def test_a_loop_which_ends_in_order_closes_its_connections(url: str) -> None:
    """An application at its shutdown, and the loop thread when it is stopped."""
    database = Database(url, engine_options={"pool_size": 2})
    engine = bridged_engine(database.engine)
    if not engine.pools.tied:
        pytest.skip("the driver's connections belong to no loop")
    app = FastAPI()
    install(app)
    app.add_api_route("/", lambda: ask(engine))
    with TestClient(app) as client:
        assert client.get("/").json() == 1
        assert database.engine.pool.checkedin() == 1  # type: ignore[attr-defined]
    assert database.engine.pool.checkedin() == 0  # type: ignore[attr-defined]

    ask(engine)
    ((_, pool),) = engine.pools.others()
    assert pool.checkedin() == 1  # type: ignore[attr-defined]
    stop_loop()
    assert pool.checkedin() == 0  # type: ignore[attr-defined]
    assert engine.pools.others() == []
