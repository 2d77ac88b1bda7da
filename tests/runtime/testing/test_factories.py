"""factory_boy on an async session: the same objects in the same rows as on a sync one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import factory
import pytest
import pytest_asyncio
from factory.alchemy import SQLAlchemyModelFactory
from sqlalchemy import ForeignKey, create_engine, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import (
    AsyncSession,
    async_scoped_session,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from migrate_async.runtime.testing.factories import AsyncSQLAlchemyModelFactory

pytestmark = pytest.mark.asyncio


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    books: Mapped[list[Book]] = relationship(back_populates="author", order_by="Book.id")


class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id"))
    author: Mapped[Author] = relationship(back_populates="books")


@pytest_asyncio.fixture
async def session() -> AsyncIterator[AsyncSession]:
    engine = create_async_engine("sqlite+aiosqlite://")
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with AsyncSession(engine, expire_on_commit=False) as session:
        yield session
    await engine.dispose()


def factories(base: Any, session: Any, persistence: str | None = None) -> tuple[Any, Any]:
    """Factories of authors and books on `base`; each author has a first book, made by a hook."""

    class OnSession(base):
        class Meta:
            abstract = True
            sqlalchemy_session = session
            sqlalchemy_session_persistence = persistence

    class BookFactory(OnSession):
        class Meta:
            model = Book

        title = factory.Sequence(lambda number: f"book {number}")

    class AuthorFactory(OnSession):
        class Meta:
            model = Author
            sqlalchemy_get_or_create = ("name",)

        name = factory.Sequence(lambda number: f"author {number}")

        @factory.post_generation
        def first(self, create: bool, title: str | None, **_values: Any) -> None:
            if create and title:
                BookFactory(title=title, author=self)

    BookFactory.author = factory.SubFactory(AuthorFactory)
    return AuthorFactory, BookFactory


def rows(session: Session) -> list[tuple[str, str]]:
    found = session.execute(select(Author.name, Book.title).outerjoin(Book).order_by(Book.id))
    return [(name, title) for name, title in found]


@pytest.mark.parametrize("persistence", [None, "flush", "commit"])
async def test_it_makes_the_rows_that_factory_boy_makes(
    session: AsyncSession, persistence: str | None
) -> None:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine, expire_on_commit=False) as sync_session:
        authors, _ = factories(SQLAlchemyModelFactory, sync_session, persistence)
        authors(name="ann", first="one")
        authors.create_batch(2, first="two")
        expected = rows(sync_session)
        sync_session.rollback()
        kept = rows(sync_session)
    engine.dispose()

    authors, _ = factories(AsyncSQLAlchemyModelFactory, session, persistence)
    ann = await authors(name="ann", first="one")
    made = await authors.create_batch(2, first="two")
    assert [author.name for author in (ann, *made)] == ["ann", *(name for name, _ in expected[1:])]
    assert await session.run_sync(rows) == expected
    await session.rollback()
    assert await session.run_sync(rows) == kept


async def test_an_object_that_is_there_is_found(session: AsyncSession) -> None:
    authors, _ = factories(AsyncSQLAlchemyModelFactory, session, "flush")
    ann = await authors(name="ann")
    assert await authors.create(name="ann") is ann


async def test_errors_of_the_database_reach_the_test(session: AsyncSession) -> None:
    _, books = factories(AsyncSQLAlchemyModelFactory, session, "flush")
    with pytest.raises(IntegrityError):
        await books(author=None)


async def test_what_needs_no_session_is_not_awaited(session: AsyncSession) -> None:
    authors, _ = factories(AsyncSQLAlchemyModelFactory, session)
    assert authors.build(name="eve").id is None
    assert authors.stub(name="eve").name == "eve"
    assert await session.scalar(select(func.count()).select_from(Author)) == 0


async def test_it_works_on_the_sync_side_of_a_session(session: AsyncSession) -> None:
    authors, _ = factories(AsyncSQLAlchemyModelFactory, session, "flush")
    ann = await session.run_sync(lambda _session: authors(name="ann"))
    assert ann.id == 1


async def test_sessions_of_a_registry_and_of_a_function(session: AsyncSession) -> None:
    maker = async_sessionmaker(session.bind, expire_on_commit=False)
    registry = async_scoped_session(maker, scopefunc=lambda: 0)
    authors, _ = factories(AsyncSQLAlchemyModelFactory, registry, "commit")
    await authors(name="ann")
    await registry.remove()

    class MadeFactory(AsyncSQLAlchemyModelFactory):
        class Meta:
            model = Author
            sqlalchemy_session_factory = lambda: session  # noqa: E731
            sqlalchemy_session_persistence = "flush"

        name = "bob"

    await MadeFactory()
    assert await session.run_sync(lambda s: list(s.scalars(select(Author.name)))) == ["ann", "bob"]
