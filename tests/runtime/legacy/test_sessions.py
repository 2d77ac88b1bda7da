"""`SessionLocal`, `get_sync_db` and what a database module is built from."""

import asyncio
import threading
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, select, text
from sqlalchemy.orm import Session, sessionmaker

from migrate_async.runtime.database import Database, close_db, init_db
from migrate_async.runtime.errors import DatabaseNotInitialised
from migrate_async.runtime.legacy.deprecation import LegacyShimWarning, legacy_uses
from migrate_async.runtime.legacy.engine import BridgedEngine
from migrate_async.runtime.legacy.modes import SyncSessionRefused
from migrate_async.runtime.legacy.sessions import (
    InMemoryDatabaseInThreads,
    LegacySession,
    SessionLocal,
    get_sync_db,
    legacy_engine,
    legacy_scoped_session,
    legacy_sessionmaker,
    threads_engine,
)
from migrate_async.runtime.tracking import request_scope
from support.legacy_books import Author, checked_out

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def name_of_author(session: Session) -> str:
    return session.scalars(select(Author.name)).one()


async def test_the_bind_follows_the_mode(database: Database) -> None:
    factory = legacy_sessionmaker(database)
    for mode in ("hop", "loop"):
        async with request_scope(mode=mode):
            assert isinstance(factory().bind, BridgedEngine)
    async with request_scope(mode="threads"):
        bind = factory().bind
        assert bind is threads_engine(database)
        assert not bind.dialect.is_async


async def test_sessions_of_the_sync_driver_see_the_same_database(database: Database) -> None:
    def work() -> str:
        with legacy_sessionmaker(database)() as session:
            return name_of_author(session)

    async with request_scope(mode="threads"):
        assert await asyncio.to_thread(work) == "Ada"
    threads_engine(database).dispose()


def test_an_in_memory_database_has_no_second_engine() -> None:
    with pytest.raises(InMemoryDatabaseInThreads):
        threads_engine(Database("sqlite://"))


async def test_a_native_route_may_not_open_one(database: Database) -> None:
    async with request_scope(mode="native"):
        with pytest.raises(SyncSessionRefused, match=r"test_sessions\.py"):
            legacy_sessionmaker(database)()


async def test_a_bind_of_the_caller_wins(database: Database) -> None:
    """As tests do with `SessionLocal.configure(bind=...)`."""
    engine = create_engine("sqlite://")
    factory = legacy_sessionmaker(database, autoflush=False)
    assert factory(bind=engine).bind is engine
    factory.configure(bind=engine)
    session = factory()
    assert session.bind is engine
    assert session.autoflush is False


def test_the_class_may_be_one_s_own(tmp_path: Path) -> None:
    class MySession(LegacySession):
        pass

    database = Database(f"sqlite:///{tmp_path}/my.db")
    assert isinstance(legacy_sessionmaker(database, class_=MySession)(), MySession)
    assert isinstance(legacy_sessionmaker(database), sessionmaker)


def test_each_line_warns_once_and_is_counted(tmp_path: Path) -> None:
    factory = legacy_sessionmaker(Database(f"sqlite:///{tmp_path}/w.db"))
    message = r"SessionLocal\(\).*Depends\(get_db\)"
    with pytest.warns(LegacyShimWarning, match=message) as caught:
        _ = [factory() for _ in range(3)]
    assert [(warning.filename, len(caught)) for warning in caught] == [(__file__, 1)]
    assert [use.count for use in legacy_uses()] == [3]


async def test_the_default_database(database: Database) -> None:
    await close_db()
    with pytest.raises(DatabaseNotInitialised):
        SessionLocal()
    init_db(database.url)
    try:
        assert legacy_engine() is legacy_engine("default")

        def work() -> str:
            with contextmanager(get_sync_db)() as session:
                return name_of_author(session)

        async with request_scope(mode="hop"):
            assert await asyncio.to_thread(work) == "Ada"
    finally:
        await close_db()


async def test_the_dependency_closes_its_session_when_the_route_fails(database: Database) -> None:
    init_db(database.url, engine_options=database.engine_options)

    def work() -> None:
        with contextmanager(get_sync_db)() as session:
            name_of_author(session)
            raise KeyError

    try:
        async with request_scope(mode="hop") as scope:
            with pytest.raises(KeyError):
                await asyncio.to_thread(work)
            assert not scope.sessions[0].is_open
    finally:
        await close_db()


async def test_a_session_that_stays_open_is_closed_with_the_request(database: Database) -> None:
    factory = legacy_sessionmaker(database)
    kept: list[Session] = []

    def work() -> None:
        session = factory()
        session.get_one(Author, 1).name = "lost"
        session.flush()
        kept.append(session)

    async with request_scope(mode="hop") as scope:
        await asyncio.to_thread(work)
        assert checked_out(database) == 1
    assert checked_out(database) == 0
    assert [location.function for location in scope.leaked] == ["work"]
    with closing(kept[0]) as session:
        assert await asyncio.to_thread(name_of_author, session) == "Ada"
        await asyncio.to_thread(session.close)


async def test_a_scoped_session_is_one_per_request(database: Database) -> None:
    """Thread-local, it would be one for all requests on the event loop."""
    scoped = legacy_scoped_session(legacy_sessionmaker(database))

    async def request() -> int:
        async with request_scope(mode="hop"):
            first = scoped()
            await asyncio.sleep(0)
            assert scoped() is first
            assert await asyncio.to_thread(lambda: scoped() is first)
            return id(first)

    assert len(set(await asyncio.gather(*[request() for _ in range(4)]))) == 4
    assert len(scoped.registry.registry) == 0


def test_outside_of_requests_a_scoped_session_is_one_per_thread(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/scoped.db")
    scoped = legacy_scoped_session(legacy_sessionmaker(database))
    seen = [scoped()]
    thread = threading.Thread(target=lambda: seen.append(scoped()))
    thread.start()
    thread.join()
    assert scoped() is seen[0] is not seen[1]
    assert scoped.execute(text("SELECT 1")).scalar_one() == 1
    scoped.remove()
