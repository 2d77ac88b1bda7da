"""An AsyncSession over a sync one: the same API, and in strict mode the same refusals."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import MagicMock

import pytest
from sqlalchemy import Engine, create_engine, func, insert, select, text
from sqlalchemy.exc import MissingGreenlet
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, selectinload

from migrate_async.runtime.legacy.adapter import SyncSessionAdapter, adapted
from support.legacy_books import Author, Base, Book, add_books


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return create_engine(f"sqlite:///{tmp_path}/books.db")


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """The sync session of a legacy test suite."""
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        add_books(session)
        session.commit()
        yield session


async def test_it_is_an_async_session(session: Session) -> None:
    db = SyncSessionAdapter(session)
    assert isinstance(db, AsyncSession)
    assert db.sync_session is session
    assert await db.scalar(select(func.count(Book.id))) == 2
    result = await db.execute(select(Book).order_by(Book.title))
    assert [book.title for book in result.scalars()] == ["Letters", "Notes"]


async def test_the_sync_session_sees_what_the_route_did(session: Session) -> None:
    db = SyncSessionAdapter(session)
    db.add(Author(id=2, name="Grace"))
    await db.flush()
    await db.refresh(await db.get_one(Author, 2))
    assert session.query(Author).count() == 2
    await db.rollback()
    assert session.query(Author).count() == 1


async def test_transactions_savepoints_and_run_sync(session: Session) -> None:
    session.rollback()
    db = SyncSessionAdapter(session)
    async with db.begin():
        (await db.get_one(Author, 1)).name = "Grace"
        async with db.begin_nested() as savepoint:
            db.add(Book(title="lost", author_id=1))
            await db.flush()
            await savepoint.rollback()
    assert await db.run_sync(lambda sync: len(sync.get_one(Author, 1).books)) == 2
    await db.delete((await db.scalars(select(Book).limit(1))).one())
    await db.commit()
    assert session.scalar(select(func.count(Book.id))) == 1
    await db.merge(Author(id=1, name="Edith"))
    await db.commit()
    assert session.scalar(select(Author.name)) == "Edith"


async def test_streaming(session: Session) -> None:
    db = SyncSessionAdapter(session)
    titles = [title async for title in await db.stream_scalars(select(Book.title))]
    assert sorted(titles) == ["Letters", "Notes"]


async def test_its_connection_is_async_too(session: Session) -> None:
    connection = await SyncSessionAdapter(session).connection()
    await connection.execute(insert(Book).values(title="Third", author_id=1))
    assert await connection.scalar(select(func.count(Book.id))) == 3
    assert (await connection.exec_driver_sql("SELECT 1")).scalar_one() == 1
    assert (await connection.scalars(text("SELECT 2"))).one() == 2
    assert await connection.run_sync(lambda sync: sync.dialect.name) == "sqlite"
    await connection.rollback()
    assert await connection.scalar(select(func.count(Book.id))) == 2
    await connection.commit()
    await connection.close()


async def test_strict_refuses_a_lazy_relationship(session: Session) -> None:
    author = await SyncSessionAdapter(session).get_one(Author, 1)
    with pytest.raises(MissingGreenlet, match=r"Author\.books"):
        _ = author.books


async def test_strict_allows_what_is_loaded(session: Session) -> None:
    query = select(Author).options(selectinload(Author.books))
    author = (await SyncSessionAdapter(session).scalars(query)).one()
    assert len(author.books) == 2


async def test_strict_refuses_an_expired_attribute(session: Session) -> None:
    db = SyncSessionAdapter(session)
    author = await db.get_one(Author, 1)
    db.expire(author)
    with pytest.raises(MissingGreenlet, match="columns"):
        _ = author.name


async def test_attributes_stay_readable_after_a_commit(session: Session) -> None:
    """As with the runtime's own sessions, which do not expire on commit."""
    db = SyncSessionAdapter(session)
    author = await db.get_one(Author, 1)
    author.name = "Grace"
    await db.commit()
    assert author.name == "Grace"
    db.release()
    session.commit()
    assert session.expire_on_commit
    assert author.name == "Grace", "loaded again"


async def test_strict_can_be_switched_off(session: Session) -> None:
    author = await SyncSessionAdapter(session, strict=False).get_one(Author, 1)
    assert len(author.books) == 2


async def test_worker_threads_of_a_strict_request_are_watched_too(session: Session) -> None:
    """A real AsyncSession cannot load in a thread either."""
    with adapted(session) as db:
        author = await db.get_one(Author, 1)
        with pytest.raises(MissingGreenlet):
            await asyncio.to_thread(lambda: author.books)


async def test_a_sync_object_made_by_a_coroutine_works_in_a_thread(session: Session) -> None:
    """`Repository(db.sync_session)`: `HopSession` lets its methods load and refresh there."""

    class Repository:
        def __init__(self, db: Session) -> None:
            self.db = db

        def add(self, name: str) -> int:
            author = Author(name=name)
            self.db.add(author)
            self.db.commit()
            self.db.refresh(author)
            return len(author.books)

    with adapted(session) as db:
        repository = Repository(db.sync_session)
        assert await asyncio.to_thread(repository.add, "Grace") == 0


async def test_an_object_made_by_run_sync_works_in_a_thread(session: Session) -> None:
    """It keeps the session that it was made with."""

    class Repository:
        def __init__(self, db: Session) -> None:
            self.db = db

        def rename(self, name: str) -> tuple[str, int]:
            author = self.db.get_one(Author, 1)
            author.name = name
            self.db.commit()
            self.db.expire_all()
            return author.name, len(author.books)

    with adapted(session) as db:
        repository = await db.run_sync(Repository)
        assert await asyncio.to_thread(repository.rename, "Grace") == ("Grace", 2)


async def test_the_test_s_own_code_is_left_alone(session: Session) -> None:
    def in_the_test() -> int:
        return len(session.query(Author).one().books)

    db = SyncSessionAdapter(session)
    assert await asyncio.to_thread(in_the_test) == 2
    await db.close()
    assert in_the_test() == 2


async def test_closing_closes_the_sync_session(session: Session) -> None:
    async with SyncSessionAdapter(session) as db:
        await db.get(Author, 1)
    assert not session.in_transaction()


async def test_what_a_test_had_replaced_in_the_session_is_there_again(session: Session) -> None:
    """`monkeypatch.setattr(session, "commit", session.flush)` holds for each request."""
    session.commit = session.flush  # type: ignore[method-assign]
    with adapted(session) as db:
        db.add(Author(id=2, name="Grace"))
        await db.commit()
    assert session.in_transaction()
    with adapted(session) as db:
        await db.commit()
    assert session.in_transaction()
    session.rollback()
    assert session.get(Author, 2) is None


async def test_a_statement_without_entities_runs_on_the_sync_cursor(session: Session) -> None:
    result = await SyncSessionAdapter(session).execute(text("SELECT 1"))
    assert result.scalar_one() == 1


async def test_the_mock_of_a_session_is_one() -> None:
    """What it was told to do, it does; it is given back as it was."""
    mock = MagicMock(spec=Session)
    mock.execute.side_effect = ConnectionError("no database")
    adapter = SyncSessionAdapter(mock)
    with pytest.raises(ConnectionError, match="no database"):
        await adapter.execute(text("SELECT 1"))
    await adapter.commit()
    await adapter.close()
    mock.commit.assert_called_once_with()
    mock.close.assert_called_once_with()
