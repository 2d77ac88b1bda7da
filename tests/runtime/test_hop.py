"""Commits on a session that migrated and legacy code share."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from anyio import to_thread
from sqlalchemy import (
    Engine,
    StaticPool,
    String,
    TextClause,
    create_engine,
    func,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.util import await_only

from migrate_async import HopSession, sync_side
from migrate_async.runtime.engine import create_async_engine as runtime_engine
from migrate_async.runtime.legacy import bridge
from migrate_async.runtime.legacy.adapter import adapted
from migrate_async.runtime.on_loop import run_on_loop
from support.databases import BACKENDS, fresh_database


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(String(50))


SHOUT = "CREATE TRIGGER shout AFTER UPDATE ON notes BEGIN UPDATE notes SET text = upper(text); END"
"""What the database makes of a value is not what Python put there."""


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[AsyncSession]:
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/notes.db")
    factory = async_sessionmaker(engine, expire_on_commit=False)
    factory.configure(sync_session_class=HopSession)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        await connection.execute(text(SHOUT))
    async with factory() as session:
        session.add(Note(id=1, text="quiet"))
        await session.commit()
        yield session
    await engine.dispose()


async def test_a_session_that_a_worker_thread_makes_knows_the_loop(tmp_path: Path) -> None:
    """FastAPI calls `def get_db(): return SessionLocal()` in one."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/notes.db")
    factory = async_sessionmaker(engine, sync_session_class=HopSession)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)

    def read(session: Session) -> int | None:
        with session:
            return session.scalar(select(func.count(Note.id)))

    session = await to_thread.run_sync(factory)
    assert await to_thread.run_sync(read, session.sync_session) == 0
    await engine.dispose()


def change(session: Session) -> str:
    """Legacy code: it counts on fresh values after its commit."""
    note = session.get(Note, 1)
    assert note is not None
    note.text = "loud"
    session.commit()
    return note.text


async def test_legacy_code_in_a_bridge_reads_what_the_database_made(db: AsyncSession) -> None:
    assert await db.run_sync(change) == "LOUD"


async def test_legacy_code_in_a_thread_reads_what_the_database_made(db: AsyncSession) -> None:
    assert await asyncio.to_thread(change, db.sync_session) == "LOUD"


async def test_async_code_can_read_objects_after_a_commit_of_legacy_code(db: AsyncSession) -> None:
    """Nothing is left expired, which the event loop could not load."""
    note = await db.get_one(Note, 1)
    await db.run_sync(change)
    assert not inspect(note).expired_attributes
    assert note.text == "LOUD"


async def test_a_commit_of_async_code_reads_nothing(db: AsyncSession) -> None:
    note = await db.get_one(Note, 1)
    note.text = "loud"
    await db.commit()
    assert note.text == "loud"


async def test_the_end_of_a_savepoint_expires_nothing(db: AsyncSession) -> None:
    def nested(session: Session) -> str:
        note = session.get(Note, 1)
        assert note is not None
        with session.begin_nested():
            note.text = "loud"
        return note.text

    assert await asyncio.to_thread(nested, db.sync_session) == "loud"


async def test_a_row_that_is_gone_does_not_stop_the_commit(db: AsyncSession) -> None:
    def vanish(session: Session) -> None:
        session.get(Note, 1)
        session.execute(text("DELETE FROM notes"))
        session.commit()

    await db.run_sync(vanish)
    assert await db.get(Note, 1) is None


async def test_legacy_code_on_an_adapted_test_session_reads_fresh_values(tmp_path: Path) -> None:
    engine = create_engine(
        f"sqlite:///{tmp_path}/notes.db", connect_args={"check_same_thread": False}
    )
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.execute(text(SHOUT))
        session.add(Note(id=1, text="quiet"))
        session.commit()
        with adapted(session) as adapter:
            assert await asyncio.to_thread(lambda: change(adapter.sync_session)) == "LOUD"
            note = await adapter.get_one(Note, 1)
            note.text = "mine"
            await adapter.commit()
            assert note.text == "mine"
        session.commit()
        assert note.text == "MINE"
    engine.dispose()


async def test_legacy_code_sees_the_in_memory_database_of_the_test() -> None:
    """SQLite gives each thread a database of its own: the session stays where it was made."""
    engine = create_engine("sqlite://", connect_args={"check_same_thread": False})
    Base.metadata.create_all(engine)
    with Session(engine) as session, adapted(session) as adapter:
        count = await asyncio.to_thread(lambda: adapter.sync_session.query(Note).count())
    assert count == 0
    engine.dispose()


def raw(session: Session) -> list[str]:
    """Legacy code below the ORM, with a savepoint that it takes back and one that it keeps."""
    connection = session.connection()
    connection.execute(text("INSERT INTO notes (id, text) VALUES (2, 'kept')"))
    savepoint = connection.begin_nested()
    connection.exec_driver_sql("DELETE FROM notes")
    savepoint.rollback()
    with connection.begin_nested():
        connection.exec_driver_sql("INSERT INTO notes (id, text) VALUES (3, 'too')")
    found = list(connection.scalars(select(Note.text).order_by(Note.id)))
    session.commit()
    return found


@pytest.mark.parametrize("backend", BACKENDS)
async def test_the_connection_of_the_session_serves_a_thread(backend: str, tmp_path: Path) -> None:
    """It is one and the same connection for coroutines, too, before and after."""
    async with fresh_database(backend, tmp_path) as url:
        engine = runtime_engine(url)
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        async with async_sessionmaker(engine, sync_session_class=HopSession)() as session:
            session.add(Note(id=1, text="quiet"))
            await session.flush()
            assert await asyncio.to_thread(raw, session.sync_session) == ["quiet", "kept", "too"]
            found = await (await session.connection()).scalar(select(func.count(Note.id)))
            assert found == 3
        await engine.dispose()


def with_engines(session: Session) -> list[str]:
    """As libraries do that are given an engine: a connection of their own, beside the session's."""
    found: list[str] = []
    for engine in (session.bind, session.get_bind()):
        assert isinstance(engine, Engine)
        found += inspect(engine).get_table_names()
        with engine.begin() as connection:
            found += connection.scalars(select(Note.text))
    assert isinstance(engine, Engine)
    with pytest.raises(InvalidRequestError, match="take one of a sync engine"):
        engine.raw_connection()
    return found


@pytest.mark.parametrize("backend", BACKENDS)
async def test_the_engine_of_the_session_serves_a_thread(backend: str, tmp_path: Path) -> None:
    """It has the pool of the engine, which stays what it is."""
    async with fresh_database(backend, tmp_path) as url:
        engine = runtime_engine(url)
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
            await connection.execute(insert(Note).values(id=1, text="loud"))
        async with async_sessionmaker(engine, sync_session_class=HopSession)() as session:
            found = await asyncio.to_thread(with_engines, session.sync_session)
            assert [name for name in found if name in ("loud", "notes")] == ["notes", "loud"] * 2
            assert (
                session.sync_session.bind is session.sync_session.get_bind() is engine.sync_engine
            )
            assert await session.scalar(select(Note.text)) == "loud"
        assert "Checked out connections: 1" not in engine.sync_engine.pool.status()
        await engine.dispose()


class Counting(Session):
    """A session class of an application, with a method that needs I/O."""

    def exec(self, statement: TextClause) -> str | None:
        return self.execute(statement).scalar()


class CountingAsync(AsyncSession):
    sync_session_class = Counting


@pytest.mark.parametrize("made_by", [AsyncSession, CountingAsync])
async def test_a_session_without_a_factory_serves_threads_too(
    made_by: type[AsyncSession], tmp_path: Path
) -> None:
    """One transaction: what the thread wrote, the coroutine commits."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/notes.db")
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with made_by(engine, expire_on_commit=False) as session:
        side = sync_side(session)
        assert sync_side(session) is side is session.sync_session
        await asyncio.to_thread(side.execute, text("INSERT INTO notes VALUES (1, 'a')"))
        if isinstance(side, Counting):
            statement = text("SELECT text FROM notes")
            assert await asyncio.to_thread(side.exec, statement) == "a"
        await session.commit()
    async with AsyncSession(engine) as other:
        assert (await other.get_one(Note, 1)).text == "a"
    await engine.dispose()


async def test_the_session_of_a_test_stays_what_it_is() -> None:
    """An adapter lends it to threads without changing its class."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with Session(engine) as session, adapted(session) as adapter:
        assert sync_side(adapter) is session
        assert type(session) is Session
        assert await asyncio.to_thread(session.scalar, text("SELECT 1")) == 1


def pages(session: Session) -> list[list[str]]:
    """Legacy code that reads its rows bit by bit, in each way there is."""
    statement = select(Note).order_by(Note.id).execution_options(yield_per=2)
    return [
        [note.text for note in session.query(Note).order_by(Note.id).yield_per(2)],
        [note.text for note in session.scalars(statement)],
        [row.Note.text for row in session.execute(statement)],
        [note.text for part in session.execute(statement).scalars().partitions() for note in part],
    ]


async def test_legacy_code_reads_bit_by_bit_in_a_thread_and_in_a_bridge(db: AsyncSession) -> None:
    db.add_all(Note(id=number, text=f"note {number}") for number in range(2, 7))
    await db.commit()
    expected = [["quiet", *(f"note {number}" for number in range(2, 7))]] * 4
    assert await db.run_sync(pages) == expected
    assert await asyncio.to_thread(pages, db.sync_session) == expected


async def test_a_loop_that_waits_for_the_thread_is_an_error_not_a_deadlock(
    db: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an async test does that calls a sync TestClient, whose route reads the test's object."""
    monkeypatch.setattr(bridge, "STALL_SECONDS", 0.05)
    errors: list[str] = []

    def route() -> None:
        try:
            change(db.sync_session)
        except bridge.LoopStalled as error:
            errors.append(str(error))

    client = threading.Thread(target=route)
    client.start()
    client.join(10)
    assert len(errors) == 1
    assert "TestClient" in errors[0]
    await asyncio.sleep(0)
    assert await db.scalar(select(Note.text)) == "quiet"


async def test_what_takes_long_on_a_loop_is_waited_for(
    db: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge, "STALL_SECONDS", 0.05)
    ready = asyncio.Event()
    asyncio.get_running_loop().call_later(0.2, ready.set)

    def wait() -> bool:
        found: bool = await_only(ready.wait())
        return found

    assert await asyncio.to_thread(run_on_loop, asyncio.get_running_loop(), wait)
