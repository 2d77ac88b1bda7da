"""Per route: how it reaches the database, and which lines load implicitly."""

import linecache
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import pytest
from fastapi import APIRouter, Depends, FastAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, joinedload, selectinload

from migrate_async.runtime.database import Database
from migrate_async.runtime.legacy.install import install, uninstall
from migrate_async.runtime.legacy.modes import in_mode
from migrate_async.runtime.legacy.sessions import legacy_sessionmaker
from migrate_async.runtime.telemetry import (
    RouteReport,
    migration_report,
    never_called,
    start_telemetry,
    telemetry,
)
from support.legacy_books import Author, Book, client_of, fill

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class AuthorOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    name: str


class BookOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    title: str
    author: AuthorOut


@pytest.fixture(autouse=True)
def counting() -> Iterator[None]:
    telemetry.stop()
    start_telemetry()
    yield
    telemetry.stop()
    uninstall()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite:///{tmp_path}/books.db", engine_options={"pool_size": 5})
    await fill(database.engine)
    yield database
    await database.close()


@pytest.fixture
def app(database: Database) -> FastAPI:
    app = FastAPI()
    router = APIRouter(prefix="/books")
    factory = legacy_sessionmaker(database)

    def get_sync() -> Iterator[Session]:
        with factory() as session:
            yield session

    async def get_async() -> AsyncIterator[AsyncSession]:
        async with database.session() as session:
            yield session

    @router.get("/native/{book_id}", response_model=BookOut)
    async def native(book_id: int, db: Annotated[AsyncSession, Depends(get_async)]) -> object:
        return await db.get_one(Book, book_id, options=[joinedload(Book.author)])

    @router.get("/lazy/{book_id}", response_model=BookOut)
    def serialised_lazily(book_id: int, db: Annotated[Session, Depends(get_sync)]) -> object:
        return db.get_one(Book, book_id)

    @router.get("/loop", dependencies=[in_mode("loop")])
    def in_the_loop(db: Annotated[Session, Depends(get_sync)]) -> int:
        return len(db.scalars(select(Author).options(selectinload(Author.books))).all())

    @router.put("/expired")
    async def expired(db: Annotated[Session, Depends(get_sync)]) -> str:
        author = db.get_one(Author, 1)
        db.commit()
        return author.name

    @router.get("/leak")
    def leak() -> str:
        return factory().get_one(Author, 1).name

    app.include_router(router, prefix="/v1")
    install(app)
    return app


def route(path: str) -> RouteReport:
    return next(route for route in migration_report().routes if route.path == f"/v1/books{path}")


async def test_a_native_route(app: FastAPI) -> None:
    async with client_of(app) as client:
        for _ in range(3):
            assert (await client.get("/v1/books/native/1")).json()["author"] == {"name": "Ada"}
    native = route("/native/{book_id}")
    assert (native.method, native.requests, native.modes) == ("GET", 3, {"native": 3})
    assert native.native
    assert native.endpoint.startswith(f"{__file__}:")
    report = migration_report()
    assert (report.requests, report.native_requests, report.native_routes) == (3, 3, 1)


async def test_a_relationship_loaded_by_the_serialiser_is_the_route_s(app: FastAPI) -> None:
    async with client_of(app) as client:
        for number in (1, 2):
            await client.get(f"/v1/books/lazy/{number}")
    lazy = route("/lazy/{book_id}")
    assert lazy.modes == {"hop": 2}
    assert [(load.location, load.what, load.count) for load in lazy.implicit_loads] == [
        (lazy.endpoint, "Book.author", 2)
    ]
    assert not lazy.native


async def test_an_expired_attribute_is_named_by_its_line(app: FastAPI) -> None:
    async with client_of(app) as client:
        await client.put("/v1/books/expired")
    (load,) = route("/expired").implicit_loads
    filename, _, number = load.location.rpartition(":")
    assert load.what == "Author (expired columns)"
    assert linecache.getline(filename, int(number)).strip() == "return author.name"


async def test_eager_loads_are_not_implicit(app: FastAPI) -> None:
    async with client_of(app) as client:
        await client.get("/v1/books/loop")
    assert route("/loop").implicit_loads == ()
    assert route("/loop").modes == {"loop": 1}


async def test_leaks_belong_to_their_route(app: FastAPI) -> None:
    async with client_of(app) as client:
        await client.get("/v1/books/leak")
    assert route("/leak").leaked_sessions == 1


async def test_routes_that_were_not_called_are_listed(app: FastAPI) -> None:
    async with client_of(app) as client:
        await client.get("/v1/books/loop")
        await client.get("/no/such/route")
    missing = never_called(app.routes, migration_report())
    assert "PUT /v1/books/expired" in missing
    assert "GET /v1/books/loop" not in missing
    assert migration_report().requests == 1


async def test_routes_of_mounted_applications_have_their_full_path(app: FastAPI) -> None:
    inner = FastAPI()

    @inner.get("/health")
    async def health() -> bool:
        return True

    app.mount("/inner", inner)
    async with client_of(app) as client:
        await client.get("/inner/health")
    assert [route.path for route in migration_report().routes] == ["/inner/health"]


async def test_stopping_forgets(app: FastAPI) -> None:
    telemetry.stop()
    async with client_of(app) as client:
        await client.get("/v1/books/lazy/1")
    assert migration_report().routes == ()
    assert migration_report().as_dict()["requests"] == 0


def test_a_report_is_a_plain_value() -> None:
    route = RouteReport("GET", "/", "app.py:1", 1, {"native": 1}, (), 0)
    assert route.native
    assert not replace(route, modes={"native": 1, "hop": 1}).native
