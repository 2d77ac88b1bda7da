"""A few tables, and an application under test, for the tests of the sync shim."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic

from httpx import ASGITransport, AsyncClient
from sqlalchemy import ForeignKey
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from migrate_async.runtime.database import Database


class Base(DeclarativeBase):
    """Of the tables below only."""


class Author(Base):
    __tablename__ = "author"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    books: Mapped[list["Book"]] = relationship(back_populates="author")


class Book(Base):
    __tablename__ = "book"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))
    author: Mapped[Author] = relationship(back_populates="books")


def add_books(session: Session) -> None:
    """One author with two books."""
    books = [Book(title="Notes"), Book(title="Letters")]
    session.add(Author(id=1, name="Ada", books=books))


async def fill(engine: AsyncEngine) -> None:
    """Make the tables anew, and what `add_books` adds."""
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)

        def add(sync_connection: object) -> None:
            with Session(sync_connection) as session:  # type: ignore[arg-type]
                add_books(session)
                session.commit()

        await connection.run_sync(add)


@asynccontextmanager
async def client_of(app: object) -> AsyncIterator[AsyncClient]:
    """An HTTP client whose requests run in this very event loop."""
    transport = ASGITransport(app, raise_app_exceptions=False)  # type: ignore[arg-type]
    async with AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def until(condition: Callable[[], object], seconds: float = 10) -> None:
    """Let the event loop run until the condition is true; fails after some seconds."""
    deadline = monotonic() + seconds
    while not condition():
        assert monotonic() < deadline, "it did not become true"
        await asyncio.sleep(0)


def checked_out(database: Database) -> int:
    """How many connections of the database's pool are out."""
    return database.engine.pool.checkedout()  # type: ignore[attr-defined, no-any-return]
