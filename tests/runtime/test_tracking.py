"""What a request opens is closed when the request ends, in whatever thread or task it was."""

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from migrate_async.runtime.engine import async_sessionmaker, create_async_engine
from migrate_async.runtime.frames import Location
from migrate_async.runtime.tracking import (
    RequestScope,
    current_scope,
    on_scope_end,
    request_scope,
    track_session,
)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{tmp_path}/t.db", connect_args={"check_same_thread": False})
    yield engine
    engine.dispose()


def open_session(engine: Engine) -> Session:
    session = Session(engine)
    track_session(session)
    session.execute(text("SELECT 1"))
    return session


def checked_out(engine: Engine) -> int:
    return engine.pool.checkedout()  # type: ignore[attr-defined, no-any-return]


async def test_threads_and_tasks_belong_to_the_request(engine: Engine) -> None:
    async def in_a_task() -> Session:
        return open_session(engine)

    async with request_scope() as scope:
        assert current_scope() is scope
        sessions = [
            open_session(engine),
            await asyncio.to_thread(open_session, engine),
            await asyncio.create_task(in_a_task()),
        ]
        assert checked_out(engine) == 3
    assert current_scope() is None
    assert checked_out(engine) == 0
    assert not any(session.in_transaction() for session in sessions)
    assert [where.function for where in scope.leaked] == ["open_session"] * 3


async def test_what_is_not_committed_is_rolled_back(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (n INTEGER)"))
    async with request_scope():
        kept, lost = open_session(engine), open_session(engine)
        kept.execute(text("INSERT INTO t VALUES (1)"))
        kept.commit()
        lost.execute(text("INSERT INTO t VALUES (2)"))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT n FROM t")).scalars().all() == [1]


async def test_async_sessions_are_closed(tmp_path: Path) -> None:
    engine = create_async_engine(f"sqlite:///{tmp_path}/a.db", pool_size=1)
    async with request_scope() as scope:
        session: AsyncSession = async_sessionmaker(engine)()
        track_session(session)
        await session.execute(text("SELECT 1"))
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    assert len(scope.leaked) == 1
    await engine.dispose()


async def test_closed_sessions_are_no_leak(engine: Engine) -> None:
    async with request_scope() as scope:
        open_session(engine).close()
        track_session(Session(engine))
    assert scope.leaked == []


async def test_a_session_that_cannot_be_closed_does_not_keep_the_next_one_open(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Session):
        def close(self) -> None:
            raise RuntimeError("no")

    async with request_scope():
        open_session(engine)
        broken = Broken(engine)
        track_session(broken)
        broken.execute(text("SELECT 1"))
    assert checked_out(engine) == 1
    assert "could not close the session opened at" in caplog.text
    Session.close(broken)


async def test_a_cancelled_request_closes_its_sessions(engine: Engine) -> None:
    started = asyncio.Event()

    async def request() -> None:
        async with request_scope():
            open_session(engine)
            started.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(request())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert checked_out(engine) == 0


async def test_each_line_is_warned_about_once(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "migrate_async.runtime.tracking")
    where = Location("shop/routes.py", 7)
    for _ in range(3):
        async with request_scope(asgi={"method": "GET", "path": "/orders"}):
            session = Session(engine)
            track_session(session, where)
            session.execute(text("SELECT 1"))
    records = [record for record in caplog.records if "shop/routes.py:7" in record.message]
    assert [record.levelname for record in records] == ["WARNING", "DEBUG", "DEBUG"]
    assert "when GET /orders ended: rolled back" in records[0].message


async def test_the_route_is_named_when_no_application_line_is_on_the_stack(engine: Engine) -> None:
    def endpoint() -> None:
        """A route."""

    async with request_scope(asgi={"endpoint": endpoint}) as scope:
        await asyncio.to_thread(track_session, Session(engine))
        assert [tracked.location.function for tracked in scope.sessions] == ["endpoint"]


def test_without_a_request_nothing_is_tracked(engine: Engine) -> None:
    session = Session(engine)
    assert track_session(session).filename == __file__


async def test_listeners_hear_of_the_end_after_the_sessions_are_closed(engine: Engine) -> None:
    heard: list[tuple[RequestScope, int]] = []
    on_scope_end(lambda scope: heard.append((scope, checked_out(engine))))
    async with request_scope() as scope:
        open_session(engine)
    assert heard == [(scope, 0)]
