"""Routes whose response model reads what no query has loaded."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import AsyncIterator, Callable
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from fastapi.exceptions import ResponseValidationError
from httpx import ASGITransport, AsyncClient
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ForeignKey, String, event, select
from sqlalchemy.exc import MissingGreenlet
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from migrate_async import lazy_response
from migrate_async.runtime.engine import create_async_engine
from support.databases import BACKENDS, fresh_database


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "authors"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50))
    books: Mapped[list[Book]] = relationship(order_by="Book.id", back_populates="author")


class Book(Base):
    __tablename__ = "books"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(50))
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id"))
    author: Mapped[Author] = relationship(back_populates="books")


class BookRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    title: str


class AuthorRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    name: str
    books: list[BookRead]


class Shelf(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    title: str
    author: AuthorRead


ANN = {"name": "Ann", "books": [{"title": "First"}, {"title": "Second"}]}

GetDb = Callable[[], AsyncIterator[AsyncSession]]


class Library:
    """A database with one author, and the sessions of a small pool."""

    def __init__(self, factory: async_sessionmaker[AsyncSession], pool: Any) -> None:
        self.factory = factory
        self.pool = pool

    async def get_db(self) -> AsyncIterator[AsyncSession]:
        async with self.factory() as session:
            yield session


@contextlib.asynccontextmanager
async def library(backend: str, folder: Path) -> AsyncIterator[Library]:
    async with fresh_database(backend, folder) as url:
        engine = create_async_engine(url, pool_size=1, max_overflow=0)
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        factory = async_sessionmaker(engine, expire_on_commit=False)
        async with factory() as session:
            books = [Book(id=1, title="First"), Book(id=2, title="Second")]
            session.add(Author(id=1, name="Ann", books=books))
            await session.commit()
        yield Library(factory, engine.pool)
        await engine.dispose()


async def answers(app: FastAPI, *paths: str) -> list[Any]:
    transport = ASGITransport(app)
    async with AsyncClient(transport=transport, base_url="http://test") as client:
        return [(await client.get(path)).json() for path in paths]


@pytest.mark.parametrize("backend", BACKENDS)
async def test_what_the_response_reads_is_loaded(backend: str, tmp_path: Path) -> None:
    async with library(backend, tmp_path) as shelves:
        app = FastAPI()

        @app.get("/author", response_model=AuthorRead)
        @lazy_response
        async def get_author(db: AsyncSession = Depends(shelves.get_db)) -> Any:
            return await db.get(Author, 1)

        @app.get("/books", response_model=list[Shelf])
        @lazy_response
        async def get_books(db: AsyncSession = Depends(shelves.get_db)) -> Any:
            return (await db.scalars(select(Book).order_by(Book.id))).all()

        books = [{"title": title, "author": ANN} for title in ("First", "Second")]
        assert await answers(app, "/author", "/books", "/author") == [ANN, books, ANN]
        assert shelves.pool.checkedout() == 0


async def test_without_it_reading_is_refused(tmp_path: Path) -> None:
    async with library("sqlite", tmp_path) as shelves:
        app = FastAPI()

        @app.get("/author", response_model=AuthorRead)
        async def get_author(db: AsyncSession = Depends(shelves.get_db)) -> Any:
            return await db.get(Author, 1)

        with pytest.raises((MissingGreenlet, ResponseValidationError)) as caught:
            await answers(app, "/author")
        error = caught.value
        told = error.errors() if isinstance(error, ResponseValidationError) else error
        assert "greenlet" in str(told)


@pytest.mark.parametrize("backend", BACKENDS)
async def test_a_plain_function_runs_in_a_thread(backend: str, tmp_path: Path) -> None:
    threads: list[threading.Thread] = []

    async with library(backend, tmp_path) as shelves:

        async def author(db: AsyncSession = Depends(shelves.get_db)) -> Any:
            return await db.get(Author, 1)

        app = FastAPI()

        @app.get("/author", response_model=AuthorRead)
        @lazy_response
        def get_author(author: Any = Depends(author)) -> Any:
            threads.append(threading.current_thread())
            return author

        assert await answers(app, "/author") == [ANN]
        assert threads != [threading.main_thread()]


async def test_decorators_below_it_may_replace_the_function(tmp_path: Path) -> None:
    seen: list[str] = []

    def watched(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        async def wrapper(*args: Any, **options: Any) -> Any:
            seen.append(function.__name__)
            return await function(*args, **options)

        return wrapper

    async with library("sqlite", tmp_path) as shelves:
        app = FastAPI()

        @app.get("/author", response_model=AuthorRead)
        @app.get("/writer", response_model=AuthorRead)
        @lazy_response
        @watched
        async def get_author(db: AsyncSession = Depends(shelves.get_db)) -> Any:
            return await db.get(Author, 1)

        assert await answers(app, "/author", "/writer") == [ANN, ANN]
        assert seen == ["get_author", "get_author"]


async def test_each_attribute_is_loaded_once(tmp_path: Path) -> None:
    statements: list[str] = []
    async with library("sqlite", tmp_path) as shelves:
        engine = shelves.factory.kw["bind"].sync_engine

        @event.listens_for(engine, "before_cursor_execute")
        def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
            if statement.startswith("SELECT"):
                statements.append(statement.partition("FROM ")[2].split()[0])

        app = FastAPI()

        @app.get("/author", response_model=AuthorRead)
        @lazy_response
        async def get_author(db: AsyncSession = Depends(shelves.get_db)) -> Any:
            return await db.get(Author, 1)

        assert await answers(app, "/author") == [ANN]
    assert statements == ["authors", "books"]


async def test_an_error_of_the_handler_comes_out_as_it_is(tmp_path: Path) -> None:
    async with library("sqlite", tmp_path) as shelves:
        app = FastAPI()

        @app.get("/author", response_model=AuthorRead)
        @lazy_response
        async def get_author(db: AsyncSession = Depends(shelves.get_db)) -> Any:
            await db.get(Author, 1)
            raise LookupError("gone")

        with pytest.raises(LookupError, match="gone"):
            await answers(app, "/author")
        assert shelves.pool.checkedout() == 0


def test_what_gives_no_response_is_refused() -> None:
    def rows() -> Any:
        yield 1

    for given in (rows, AuthorRead):
        with pytest.raises(TypeError, match="no function that returns a response"):
            lazy_response(given)
