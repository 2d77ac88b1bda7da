"""Sessions on the sync driver beside an async one: of which database, and closed by whom."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import Column, MetaData, String, Table, create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import StaticPool

from migrate_async import (
    HopSession,
    SyncSessionAdapter,
    async_engine_from_url,
    blocking_engine,
    blocking_session,
    run_async,
)


def _factory(path: Path) -> sessionmaker[Session]:
    with create_engine(f"sqlite:///{path}").begin() as connection:
        connection.execute(text("CREATE TABLE names (name TEXT)"))
        connection.execute(text("INSERT INTO names VALUES (:name)"), {"name": path.stem})
    return sessionmaker(create_engine(f"sqlite:///{path}"))


@asynccontextmanager
async def _session(path: Path, *, hops: bool = False) -> AsyncIterator[AsyncSession]:
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}")
    factory = async_sessionmaker(engine)
    if hops:
        factory.configure(sync_session_class=HopSession)
    async with factory() as db:
        yield db
    await engine.dispose()


def _name(session: Session) -> str:
    cursor = session.connection().connection.cursor()
    cursor.execute("SELECT name FROM names")
    return str(cursor.fetchone()[0])


@pytest.mark.asyncio
@pytest.mark.parametrize("hops", [False, True])
async def test_it_is_of_the_factory(tmp_path: Path, *, hops: bool) -> None:
    factory = _factory(tmp_path / "own.db")
    async with _session(tmp_path / "own.db", hops=hops) as db:
        with blocking_session(db, factory) as session:
            assert session.bind is factory.kw["bind"]
            assert _name(session) == "own"
            assert session.in_transaction()
        assert not session.in_transaction()
        assert not db.in_transaction()


@pytest.mark.asyncio
@pytest.mark.parametrize("hops", [False, True])
async def test_it_is_on_the_database_of_a_session_from_elsewhere(
    tmp_path: Path, *, hops: bool
) -> None:
    factory = _factory(tmp_path / "own.db")
    _factory(tmp_path / "other.db")
    async with _session(tmp_path / "other.db", hops=hops) as db:
        with blocking_session(db, factory) as session:
            assert _name(session) == "other"


@pytest.mark.asyncio
async def test_it_is_on_the_database_of_a_connection(tmp_path: Path) -> None:
    factory = _factory(tmp_path / "own.db")
    _factory(tmp_path / "other.db")
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'other.db'}")
    async with engine.connect() as connection, AsyncSession(connection) as db:
        with blocking_session(db, factory) as session:
            assert _name(session) == "other"
    await engine.dispose()


@pytest.mark.asyncio
async def test_it_is_the_session_of_a_test(tmp_path: Path) -> None:
    """Which closes it itself."""
    factory = _factory(tmp_path / "own.db")
    with _factory(tmp_path / "other.db")() as given:
        with blocking_session(SyncSessionAdapter(given), factory) as session:
            assert session is given
            assert _name(session) == "other"
        assert given.in_transaction()


@pytest.mark.asyncio
async def test_it_is_closed_after_an_error(tmp_path: Path) -> None:
    opened: list[Session] = []

    def fail(session: Session) -> None:
        opened.append(session)
        _name(session)
        raise RuntimeError

    factory = _factory(tmp_path / "own.db")
    async with _session(tmp_path / "own.db") as db:
        with pytest.raises(RuntimeError), blocking_session(db, factory) as session:
            fail(session)
    assert not opened[0].in_transaction()


@pytest.mark.asyncio
async def test_an_engine_of_the_same_url_and_arguments(tmp_path: Path) -> None:
    _factory(tmp_path / "own.db")
    url = f"sqlite:///{tmp_path / 'own.db'}"
    engine = async_engine_from_url(url, connect_args={"timeout": 7}, echo=False)
    sync = blocking_engine(engine)
    assert (sync.dialect.driver, sync.url.database) == ("pysqlite", engine.url.database)
    with Session(sync) as session:
        assert _name(session) == "own"
    assert blocking_engine(engine) is sync
    assert blocking_engine(sync) is sync
    pool = sync.pool
    await engine.dispose()
    assert sync.pool is not pool, "it is disposed of with the other"


@pytest.mark.asyncio
async def test_an_engine_of_one_with_an_async_url(tmp_path: Path) -> None:
    _factory(tmp_path / "own.db")
    engine = async_engine_from_url(f"sqlite+aiosqlite:///{tmp_path / 'own.db'}")
    with Session(blocking_engine(engine)) as session:
        assert _name(session) == "own"
    await engine.dispose()


def test_a_database_in_memory_is_the_same() -> None:
    engine = async_engine_from_url("sqlite://", poolclass=StaticPool)
    metadata = MetaData()
    Table("names", metadata, Column("name", String))
    metadata.create_all(blocking_engine(engine))

    async def count() -> object:
        async with engine.connect() as connection:
            return (await connection.execute(text("SELECT count(*) FROM names"))).scalar()

    assert run_async(count()) == 0
