"""Coroutines that use a sync session on the event loop, as they did before the migration."""

from __future__ import annotations

import asyncio
import contextlib
import warnings
from collections.abc import AsyncIterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from httpx import ASGITransport, AsyncClient
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ForeignKey, String, select
from sqlalchemy.exc import MissingGreenlet
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from migrate_async import HopSession, LegacyShimWarning, implicit_io, legacy_uses
from migrate_async.runtime.engine import create_async_engine
from support.databases import BACKENDS, fresh_database


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "authors"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50))
    books: Mapped[list[Book]] = relationship(order_by="Book.id")


class Book(Base):
    __tablename__ = "books"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(50))
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id"))


class BookRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    title: str


class AuthorRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    name: str
    books: list[BookRead]


pytestmark = pytest.mark.filterwarnings("ignore::migrate_async.LegacyShimWarning")

Factory = async_sessionmaker[AsyncSession]
place: ContextVar[str] = ContextVar("place", default="outside")


@contextlib.asynccontextmanager
async def library(backend: str, folder: Path) -> AsyncIterator[Factory]:
    async with fresh_database(backend, folder) as url:
        engine = create_async_engine(url)
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        factory = async_sessionmaker(engine, sync_session_class=HopSession, expire_on_commit=False)
        async with factory() as session:
            session.add(Author(id=1, name="Ann", books=[Book(id=1, title="First")]))
            await session.commit()
        yield factory
        await engine.dispose()


@pytest.fixture
async def factory(tmp_path: Path) -> AsyncIterator[Factory]:
    async with library("sqlite", tmp_path) as made:
        yield made


@implicit_io
async def rename(session: Session, name: str) -> list[str]:
    """What legacy code does in a coroutine: query, lazy load, commit, read again."""
    author = session.query(Author).filter(Author.id == 1).one()
    titles = [book.title for book in author.books]
    await asyncio.sleep(0)
    author.name = name
    session.add(Book(id=2, title="Second", author_id=author.id))
    session.commit()
    return [author.name, *titles, *(book.title for book in author.books)]


@pytest.mark.parametrize("backend", BACKENDS)
async def test_legacy_code_runs_on_the_loop(backend: str, tmp_path: Path) -> None:
    async with library(backend, tmp_path) as factory, factory() as session:
        assert await rename(session.sync_session, "Bea") == ["Bea", "First", "First", "Second"]
        # It is the session of migrated code, which sees the same object.
        author = await session.get(Author, 1)
        assert author is not None
        assert author.name == "Bea"


async def test_without_it_the_query_is_refused(factory: Factory) -> None:
    async with factory() as session:
        with pytest.raises(MissingGreenlet):
            await rename.__wrapped__(session.sync_session, "Bea")  # type: ignore[attr-defined]


async def test_others_run_while_it_waits(factory: Factory) -> None:
    turns: list[str] = []
    asked = asyncio.Event()

    @implicit_io
    async def first(session: Session) -> None:
        session.scalar(select(Author.name))
        turns.append("first queries")
        asked.set()
        await answered.wait()
        session.scalar(select(Author.name))
        turns.append("first again")

    async def second() -> None:
        await asked.wait()
        turns.append("second")
        answered.set()

    answered = asyncio.Event()
    async with factory() as session:
        await asyncio.gather(first(session.sync_session), second())
    assert turns == ["first queries", "second", "first again"]


async def test_errors_and_cancellation_pass_through(factory: Factory) -> None:
    ended: list[str] = []

    @implicit_io
    async def failing(session: Session) -> None:
        session.scalar(select(Author.name))
        raise LookupError("no such book")

    @implicit_io
    async def endless(session: Session, started: asyncio.Event) -> None:
        try:
            session.scalar(select(Author.name))
            started.set()
            await asyncio.Event().wait()
        finally:
            # Cleaning up may query, too.
            ended.append(str(session.scalar(select(Author.name))))

    async with factory() as session:
        with pytest.raises(LookupError, match="no such book"):
            await failing(session.sync_session)
        started = asyncio.Event()
        task = asyncio.create_task(endless(session.sync_session, started))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert ended == ["Ann"]


async def test_coroutines_call_each_other(factory: Factory) -> None:
    @implicit_io
    async def inner(session: Session) -> str:
        place.set("inner")
        return session.query(Author).one().name

    @implicit_io
    async def outer(session: AsyncSession) -> tuple[str, str]:
        found = await session.scalar(select(Book.title))
        return await inner(session.sync_session), str(found)

    async with factory() as session:
        assert await outer(session) == ("Ann", "First")
    assert place.get() == "inner"


@pytest.mark.parametrize("backend", BACKENDS)
async def test_coroutines_on_one_session_take_turns(backend: str, tmp_path: Path) -> None:
    """None of them is interrupted between its own awaits, as in legacy code."""

    @implicit_io
    async def found_or_made(session: Session, name: str) -> int:
        await asyncio.sleep(0)
        author = session.query(Author).filter(Author.name == name).first()
        if author is None:
            author = Author(id=ord(name[0]), name=name)
            session.add(author)
            session.commit()
        return author.id

    async with library(backend, tmp_path) as factory, factory() as session:
        names = ["Bea", "Cid", "Bea", "Dan", "Bea"]
        found = await asyncio.gather(*(found_or_made(session.sync_session, n) for n in names))
        assert found[0] == found[2] == found[4]
        assert len(set(found)) == 3
        waiting = asyncio.create_task(found_or_made(session.sync_session, "Eve"))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await found_or_made(session.sync_session, "Bea") == found[0]


async def test_generators(factory: Factory) -> None:
    deeds: list[str] = []

    @implicit_io
    async def names(session: Session) -> AsyncIterator[str]:
        try:
            yield session.query(Author).one().name
            yield session.query(Book).one().title
        except LookupError:
            deeds.append(session.query(Author).one().name)
            raise
        finally:
            deeds.append("closed")

    async with factory() as session:
        assert [name async for name in names(session.sync_session)] == ["Ann", "First"]
        assert deeds == ["closed"]
        manager = contextlib.asynccontextmanager(names)
        with pytest.raises(LookupError):
            async with manager(session.sync_session):
                raise LookupError
        assert deeds == ["closed", "Ann", "closed"]
        generator: Any = names(session.sync_session)
        assert await generator.__anext__() == "Ann"
        await generator.aclose()
        assert deeds == ["closed", "Ann", "closed", "closed"]


async def test_it_is_counted_and_warns_once(factory: Factory) -> None:
    @implicit_io
    async def name(session: Session) -> str:
        return session.query(Author).one().name

    async with factory() as session:
        with pytest.warns(LegacyShimWarning, match=r"implicit I/O in .*name") as told:
            await name(session.sync_session)
        with warnings.catch_warnings(record=True) as again:
            warnings.simplefilter("always")
            await name(session.sync_session)
    assert len(told) == 1
    assert not again
    (use,) = (use for use in legacy_uses() if use.name.endswith("<locals>.name"))
    assert use.count == 2
    assert use.location.filename == __file__


async def test_routes_and_dependencies(factory: Factory) -> None:
    async def get_db() -> AsyncIterator[AsyncSession]:
        async with factory() as session:
            yield session

    def get_sync_db(db: AsyncSession = Depends(get_db)) -> Session:
        return db.sync_session

    @implicit_io
    async def first_author(db: Session = Depends(get_sync_db)) -> Author:
        return db.query(Author).one()

    @implicit_io
    async def announced(db: Session = Depends(get_sync_db)) -> AsyncIterator[str]:
        yield db.query(Author).one().name
        db.query(Author).update({"name": "left"})
        db.commit()

    app = FastAPI()
    # The annotations here are strings; FastAPI finds `Author` by the globals of the function.
    app.get("/author", response_model=AuthorRead)(implicit_io(author))
    for endpoint in (first_author, announced):
        given = endpoint

        def answer(found: Any = Depends(given)) -> str:
            return found if isinstance(found, str) else found.name

        app.get(f"/{endpoint.__name__}")(answer)
    app.dependency_overrides[session_of_test] = get_sync_db
    transport = ASGITransport(app)
    async with AsyncClient(transport=transport, base_url="http://test") as client:
        # The response reads a relationship that nothing has loaded.
        response = await client.get("/author")
        assert response.json() == {"name": "Ann", "books": [{"title": "First"}]}
        assert (await client.get("/first_author")).json() == "Ann"
        assert (await client.get("/announced")).json() == "Ann"
        assert (await client.get("/first_author")).json() == "left"


def session_of_test() -> Session:
    raise NotImplementedError


async def author(number: Number = 1, db: Session = Depends(session_of_test)) -> Author:
    """A route as an application writes it, in a module of its own names."""
    return db.query(Author).filter(Author.id == number).one()


Number = int


# --- plain functions ---------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
async def test_a_plain_function_gets_the_sync_side(backend: str, tmp_path: Path) -> None:
    @implicit_io
    def titles(db: Any, *, suffix: str) -> list[str]:
        author = db.query(Author).filter(Author.id == 1).one()
        db.add(Book(id=2, title="Second", author_id=author.id))
        db.commit()
        return [book.title + suffix for book in author.books]

    async with library(backend, tmp_path) as factory, factory() as session:
        found: Any = titles(session, suffix="!")
        assert await found == ["First!", "Second!"]
        assert len((await session.scalars(select(Book))).all()) == 2


async def test_all_that_has_a_sync_side(factory: Factory) -> None:
    @implicit_io
    def count(makers: Any, given: Any) -> list[Any]:
        (engine, connection), plain = given["both"], given["plain"]
        with makers["one"]() as db:
            names = [db.scalar(select(Author.name))]
        with engine.connect() as own:
            names.append(own.scalar(select(Author.name)))
        return [*names, connection.scalar(select(Author.name)), plain]

    plain = [1, (2,)]
    async with factory() as session, factory.kw["bind"].connect() as connection:
        given = {"both": (session.bind, connection), "plain": plain}
        found: Any = count({"one": factory}, given)
        names = await found
    assert names == ["Ann", "Ann", "Ann", [1, (2,)]]
    assert names[3] is plain


async def test_the_sessions_of_a_factory_keep_their_class(factory: Factory) -> None:
    @implicit_io
    def kinds(maker: Any) -> list[Any]:
        with maker() as db:
            return [isinstance(db, HopSession), db.expire_on_commit]

    found: Any = kinds(factory)
    assert await found == [True, False]


async def test_a_plain_generator_is_driven_step_by_step(factory: Factory) -> None:
    steps: list[str] = []

    @implicit_io
    def author(db: Any) -> Any:
        made = Author(id=2, name="Cy")
        db.add(made)
        db.commit()
        try:
            yield made
        except LookupError:
            steps.append("thrown")
        finally:
            db.delete(made)
            db.commit()
            steps.append("closed")

    async with factory() as session:
        made: Any = author
        async for found in made(session):
            assert await session.get(Author, 2) is found
        assert steps.pop() == "closed"
        assert await session.get(Author, 2) is None

        with contextlib.suppress(StopAsyncIteration):
            generator = made(session)
            await anext(generator)
            await generator.athrow(LookupError())
        assert steps == ["thrown", "closed"]

        generator = made(session)
        await anext(generator)
        await generator.aclose()
        assert steps == ["thrown", "closed", "closed"]
        assert await session.get(Author, 2) is None


async def test_an_error_of_a_plain_function_comes_out(factory: Factory) -> None:
    @implicit_io
    def fail(db: Any) -> None:
        db.scalar(select(Author.name))
        raise LookupError("no such author")

    async with factory() as session:
        found: Any = fail(session)
        with pytest.raises(LookupError, match="no such author"):
            await found


async def test_a_coroutine_gets_the_sync_sides_that_it_names(factory: Factory) -> None:
    @implicit_io(sync_sides=["db"])
    async def name(given: Any, db: Any) -> Any:
        await asyncio.sleep(0)
        return given, db.scalar(select(Author.name))

    @implicit_io(sync_sides=["db"])
    async def names(db: Any) -> Any:
        await asyncio.sleep(0)
        yield db.scalar(select(Author.name))

    async with factory() as session:
        assert await name(session, session) == (session, "Ann")
        assert await name(session, db=session) == (session, "Ann")
        assert [found async for found in names(session)] == ["Ann"]


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(TypeError, match="Author is no function"):
        implicit_io(Author)
