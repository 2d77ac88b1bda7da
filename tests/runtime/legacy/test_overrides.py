"""A sync test suite's dependency overrides serve migrated routes, unmodified."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine, create_engine, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, selectinload

from migrate_async.runtime.dependencies import get_db
from migrate_async.runtime.hop import HopSession
from migrate_async.runtime.legacy.deprecation import LegacyShimWarning
from migrate_async.runtime.legacy.install import install
from migrate_async.runtime.legacy.overrides import AdaptingOverrides, install_overrides
from migrate_async.runtime.legacy.sessions import get_sync_db
from support.legacy_books import Author, Base, add_books

quiet = pytest.mark.filterwarnings("ignore::DeprecationWarning")


async def my_get_db() -> Any:
    """What the migration made of the application's own dependency."""
    raise AssertionError("tests override it")
    yield


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{tmp_path}/books.db")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        add_books(session)
        session.commit()
    return engine


@pytest.fixture
def db(engine: Engine) -> Iterator[Session]:
    with Session(engine) as session:
        yield session


@pytest.fixture
def app() -> FastAPI:
    """Half migrated: two routes are async, one is not."""
    app = FastAPI()

    @app.get("/native")
    async def native(db: Annotated[AsyncSession, Depends(get_db)]) -> list[str]:
        query = select(Author).options(selectinload(Author.books))
        author = (await db.execute(query)).scalars().one()
        return sorted(book.title for book in author.books)

    @app.post("/native/{name}")
    async def rename(name: str, db: Annotated[AsyncSession, Depends(my_get_db)]) -> str:
        author = await db.get_one(Author, 1)
        author.name = name
        await db.commit()
        return author.name

    @app.get("/lazy")
    async def forgot_to_load(db: Annotated[AsyncSession, Depends(my_get_db)]) -> int:
        return len((await db.get_one(Author, 1)).books)

    @app.get("/sync")
    def sync(db: Annotated[Session, Depends(get_sync_db)]) -> list[str]:
        return [author.name for author in db.query(Author)]

    return app


@quiet
def test_a_sync_override_serves_async_routes(app: FastAPI, engine: Engine, db: Session) -> None:
    """The override below is what one finds everywhere."""

    def override_get_db() -> Iterator[Session]:
        session = Session(engine)
        try:
            yield session
        finally:
            session.close()

    install_overrides(app)
    app.dependency_overrides[get_db] = override_get_db
    app.dependency_overrides[my_get_db] = override_get_db
    client = TestClient(app)
    assert client.get("/native").json() == ["Letters", "Notes"]
    assert client.post("/native/Grace").json() == "Grace"
    assert db.query(Author).one().name == "Grace"
    app.dependency_overrides.clear()
    assert len(app.dependency_overrides) == 0


@quiet
@pytest.mark.parametrize("kind", ["function", "lambda", "coroutine", "async generator", "object"])
def test_any_kind_of_override(app: FastAPI, db: Session, kind: str) -> None:
    def function() -> Session:
        return db

    async def coroutine() -> Session:
        return db

    async def generator():  # type: ignore[no-untyped-def]
        yield db

    class Override:
        def __call__(self) -> Session:
            return db

    install_overrides(app)
    app.dependency_overrides[my_get_db] = {
        "function": function,
        "lambda": lambda: db,
        "coroutine": coroutine,
        "async generator": generator,
        "object": Override(),
    }[kind]
    assert TestClient(app).post("/native/Grace").json() == "Grace"
    assert db.query(Author).one().name == "Grace"


@quiet
def test_overrides_may_depend_on_something_themselves(app: FastAPI, db: Session) -> None:
    asked: list[str] = []

    def override(user: "str") -> Iterator[Session]:
        asked.append(user)
        yield db

    install_overrides(app)
    app.dependency_overrides[my_get_db] = override
    client = TestClient(app)
    assert client.post("/native/Grace", params={"user": "ada"}).status_code == 200
    assert client.post("/native/Grace").status_code == 422
    assert asked == ["ada"]


@quiet
def test_the_override_sees_the_route_s_error(app: FastAPI, db: Session) -> None:
    seen: list[str] = []

    def override() -> Iterator[Session]:
        try:
            yield db
        except Exception as error:
            seen.append(type(error).__name__)
            raise

    install_overrides(app)
    app.dependency_overrides[my_get_db] = override
    client = TestClient(app, raise_server_exceptions=False)
    assert client.get("/lazy").status_code == 500
    assert seen == ["MissingGreenlet"], "the strict mode is the default"


@quiet
def test_without_the_strict_mode_lazy_loads_pass(app: FastAPI, db: Session) -> None:
    install_overrides(app, strict=False)
    app.dependency_overrides[my_get_db] = lambda: db
    assert TestClient(app).get("/lazy").json() == 2


@quiet
def test_an_override_of_get_db_serves_unmigrated_routes_too(app: FastAPI, db: Session) -> None:
    install_overrides(app)
    app.dependency_overrides[get_db] = lambda: db
    assert TestClient(app).get("/sync").json() == ["Ada"]


def test_overrides_that_are_async_already_stay_as_they_are(app: FastAPI) -> None:
    @asynccontextmanager
    async def unused():  # type: ignore[no-untyped-def]
        yield

    async def override() -> object:
        return FakeSession()

    class FakeSession:
        async def get_one(self, *_: object) -> Author:
            return Author(name="fake", books=[])

    install_overrides(app)
    app.dependency_overrides[my_get_db] = override
    assert TestClient(app).get("/lazy").json() == 0


def test_it_is_a_view_of_the_dictionary_it_replaces(app: FastAPI) -> None:
    """Whoever holds the old dictionary, as monkeypatch does, changes the new one."""
    held = app.dependency_overrides
    install_overrides(app)
    install_overrides(app)
    held[get_sync_db] = print
    assert isinstance(app.dependency_overrides, AdaptingOverrides)
    assert app.dependency_overrides.get(get_sync_db) is print
    assert list(app.dependency_overrides) == [get_sync_db]
    del app.dependency_overrides[get_sync_db]
    assert held == {}
    assert app.dependency_overrides.get(get_sync_db) is None


@quiet
def test_the_installed_shim_adapts_overrides_by_itself(app: FastAPI, db: Session) -> None:
    """So the tests need no change at all, not even when they assign a new dictionary."""
    install(app)
    app.dependency_overrides = {get_db: lambda: db}
    assert TestClient(app).get("/native").json() == ["Letters", "Notes"]
    assert TestClient(app).get("/sync").json() == ["Ada"]


def test_an_adapted_override_is_counted_as_deprecated(app: FastAPI, db: Session) -> None:
    install_overrides(app)
    app.dependency_overrides[my_get_db] = lambda: db
    with pytest.warns(LegacyShimWarning, match="use an AsyncSession in tests") as caught:
        TestClient(app).post("/native/Grace")
    assert __file__ in [warning.filename for warning in caught]


HoppingSession = async_sessionmaker(
    create_async_engine("sqlite+aiosqlite://"), sync_session_class=HopSession
)
PlainSession = async_sessionmaker(create_async_engine("sqlite+aiosqlite://"))


async def get_hopping_db() -> AsyncIterator[AsyncSession]:
    async with HoppingSession() as db:
        yield db


async def get_plain_db() -> AsyncIterator[AsyncSession]:
    async with PlainSession() as db:
        yield db


@quiet
@pytest.mark.parametrize(("dependency", "is_read"), [(get_hopping_db, True), (get_plain_db, False)])
def test_threads_read_as_on_sessions_of_the_application(
    app: FastAPI, db: Session, dependency: Callable[[], object], is_read: bool
) -> None:
    """A plain route reads what a coroutine has loaded, and the sessions hop."""

    async def author(session: Annotated[AsyncSession, Depends(dependency)]) -> Author:
        return await session.get_one(Author, 1)

    @app.get("/plain")
    def plain(found: Annotated[object, Depends(author)]) -> int:
        assert isinstance(found, Author)
        return len(found.books)

    install_overrides(app)
    app.dependency_overrides[dependency] = lambda: db
    db.expire_all()
    client = TestClient(app, raise_server_exceptions=False)
    assert client.get("/plain").status_code == (200 if is_read else 500)
