"""Sessions from a service registry cannot leak inside a request."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, create_engine, func, select
from sqlalchemy.orm import Session, sessionmaker

from migrate_async.runtime.database import Database
from migrate_async.runtime.legacy.container import Container, UnknownService, adopt_registry
from migrate_async.runtime.legacy.deprecation import (
    LegacyShimWarning,
    forget_legacy_uses,
    legacy_uses,
)
from migrate_async.runtime.legacy.install import install
from migrate_async.runtime.legacy.sessions import SessionLocal, legacy_sessionmaker
from migrate_async.runtime.tracking import request_scope
from support.legacy_books import Author, Base, add_books, checked_out, client_of

quiet = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_what_is_registered_is_resolved() -> None:
    container = Container()
    container.register_factory("numbers", lambda: [1, 2])
    assert container.resolve("numbers") == [1, 2]
    container.register_factory("numbers", lambda: [3])
    assert container.resolve("numbers") == [3]


def test_an_unknown_name_is_named() -> None:
    with pytest.raises(UnknownService, match="'mailbox'"):
        Container().resolve("mailbox")
    assert issubclass(UnknownService, LookupError)


def test_the_class_itself_is_a_registry_too() -> None:
    class Services(Container):
        """As old code bases have it."""

    Services.register_factory("mailbox", lambda: "mailbox")
    assert Services.resolve("mailbox") == "mailbox"
    with pytest.raises(UnknownService):
        Container.resolve("mailbox")
    with pytest.raises(UnknownService):
        Services().resolve("mailbox")


def test_sessions_are_registered_from_the_start() -> None:
    assert Container()._factories["db_session"] is SessionLocal


def test_resolving_a_session_warns_once_per_line(tmp_path: Path) -> None:
    container = Container()
    factory = legacy_sessionmaker(Database(f"sqlite:///{tmp_path}/w.db"))
    container.register_factory("db_session", factory)
    forget_legacy_uses()
    with pytest.warns(LegacyShimWarning, match=r"resolve\('db_session'\).*get_db") as caught:
        _ = [container.resolve("db_session") for _ in range(3)]
    assert len(caught) == 1, "and none for the factory, which is called by the container"
    assert [(use.name, use.count) for use in legacy_uses()] == [("resolve('db_session')", 3)]


def route_with(resolve: Callable[[str], Session]) -> FastAPI:
    """Renames the author through a session which nobody closes."""
    app = FastAPI()

    @app.post("/{name}")
    def rename(name: str, commit: bool) -> int:
        session = resolve("db_session")
        session.get_one(Author, 1).name = name
        session.flush()
        if commit:
            session.commit()
        return session.scalar(select(func.count(Author.id))) or 0

    return app


@quiet
@pytest.mark.parametrize("mode", ["hop", "loop"])
async def test_a_resolved_session_lives_as_long_as_its_request(
    database: Database, mode: str
) -> None:
    """And what was not committed is rolled back. The pool has two connections."""
    container = Container()
    container.register_factory("db_session", legacy_sessionmaker(database))
    app = route_with(container.resolve)
    install(app, mode=mode)
    async with client_of(app) as client:
        for number in range(5):
            await client.post(f"/lost{number}", params={"commit": False})
        assert (await client.post("/Grace", params={"commit": True})).json() == 1
        for number in range(5):
            await client.post(f"/lost{number}", params={"commit": False})
    assert checked_out(database) == 0
    async with database.session() as session:
        assert await session.scalar(select(Author.name)) == "Grace"


@quiet
async def test_async_sessions_are_closed_too(database: Database) -> None:
    container = Container()
    container.register_factory("async_session", database.sessionmaker)
    async with request_scope():
        session = container.resolve("async_session")
        await session.get(Author, 1)
        assert checked_out(database) == 1
    assert checked_out(database) == 0


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """An application's own sync engine, with two connections."""
    engine = create_engine(f"sqlite:///{tmp_path}/own.db", pool_size=2, max_overflow=0)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        add_books(session)
        session.commit()
    return engine


class Registry:
    """Somebody else's registry, in each shape that a method can have."""

    factories: ClassVar[dict[str, Callable[[], Any]]] = {}

    def by_instance(self, name: str) -> Any:
        return self.factories[name]()

    @classmethod
    def by_class(cls, name: str) -> Any:
        return cls.factories[name]()

    @staticmethod
    def by_function(name: str) -> Any:
        return Registry.factories[name]()


@quiet
@pytest.mark.parametrize("method", ["by_instance", "by_class", "by_function"])
@pytest.mark.parametrize("on_class", [True, False])
async def test_an_application_s_own_registry_is_adopted(
    engine: Engine, method: str, on_class: bool
) -> None:
    registry: Any = Registry if on_class else Registry()
    Registry.factories = {"db_session": sessionmaker(engine)}
    user = registry() if on_class else registry
    app = route_with(lambda name: getattr(user, method)(name))  # noqa: PLW0108  it is patched later
    install(app)
    undo = adopt_registry(registry, method=method)
    try:
        async with client_of(app) as client:
            for number in range(5):
                await client.post(f"/lost{number}", params={"commit": False})
            assert (await client.post("/Grace", params={"commit": True})).json() == 1
    finally:
        undo()
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    with Session(engine) as session:
        assert session.scalar(select(Author.name)) == "Grace"


@quiet
async def test_a_module_s_function_is_adopted(engine: Engine) -> None:
    module = SimpleNamespace(get_service=lambda name: Session(engine) if name == "db" else name)
    undo = adopt_registry(module, method="get_service", names={"db"})
    async with request_scope() as scope:
        assert module.get_service("mailbox") == "mailbox"
        session = module.get_service(name="db")
        await asyncio.to_thread(session.get, Author, 1)
        assert [tracked.session for tracked in scope.sessions] == [session]
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    undo()
    async with request_scope() as scope:
        module.get_service("db")
        assert scope.sessions == []


def test_undoing_leaves_no_trace() -> None:
    before = dict(vars(Registry))
    adopt_registry(Registry, method="by_class")()
    assert dict(vars(Registry)) == before
    registry = Registry()
    adopt_registry(registry, method="by_class")()
    assert vars(registry) == {}
