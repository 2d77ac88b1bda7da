"""One application in several variants, for `benchmarks.shim`: `VARIANT=hop uvicorn ...`.

The routes return a finished response. With a `response_model` FastAPI would validate in one more
worker thread while the request holds a connection: with fewer connections than threads the legacy
baseline then stops, every thread waiting for a connection and every connection for a thread.
"""

import os
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Annotated

from fastapi import Depends, FastAPI, Response
from fastapi.responses import PlainTextResponse
from sqlalchemy import ForeignKey, create_engine
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    joinedload,
    mapped_column,
    relationship,
    sessionmaker,
)

from migrate_async.runtime.database import Database
from migrate_async.runtime.legacy.install import install
from migrate_async.runtime.legacy.sessions import legacy_sessionmaker
from migrate_async.runtime.urls import to_sync_url

POOL = {"pool_size": 10, "max_overflow": 0, "pool_timeout": 60, "pool_pre_ping": False}
BASELINE = "baseline"
VARIANTS = (BASELINE, "native", "threads", "hop", "loop", "async+hop")
"""baseline: sync routes over psycopg2, without the shim; native: async routes over `get_db`;
threads, hop, loop: the sync routes in these modes of the shim; async+hop: `async def` routes
which use a sync session, as the shim drives them."""
ROWS = 5000

SessionFactory = Callable[[], Session]


class Base(DeclarativeBase):
    """Of the benchmark's tables."""


class Owner(Base):
    __tablename__ = "owner"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Item(Base):
    __tablename__ = "item"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    quantity: Mapped[int] = mapped_column(default=0)
    owner_id: Mapped[int] = mapped_column(ForeignKey("owner.id"))
    owner: Mapped[Owner] = relationship()


def fill(url: str) -> None:
    """Make the tables."""
    engine = create_engine(to_sync_url(url))
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all(Owner(id=number, name=f"owner {number}") for number in range(100))
        session.flush()
        session.add_all(
            Item(id=number, name=f"item {number}", owner_id=number % 100) for number in range(ROWS)
        )
        session.commit()
    engine.dispose()


def make_app(variant: str, url: str) -> FastAPI:
    """The application in one of `VARIANTS`."""
    app = FastAPI()
    if variant == BASELINE:
        _add_sync_routes(app, sessionmaker(create_engine(to_sync_url(url), **POOL)))
    elif variant == "native":
        _add_native_routes(app, Database(url, engine_options=POOL))
    else:
        warnings.simplefilter("ignore", DeprecationWarning)
        factory = legacy_sessionmaker(Database(url, engine_options=POOL))
        if variant == "async+hop":
            _add_async_routes(app, factory)
        else:
            _add_sync_routes(app, factory)
        install(app, mode=variant.removeprefix("async+"))

    @app.get("/cpu")
    async def cpu() -> float:
        return time.process_time()

    return app


def _read(session: Session, number: int) -> str:
    return session.get_one(Item, number).name


def _write(session: Session, number: int) -> str:
    item = session.get_one(Item, number)
    item.quantity += 1
    session.commit()
    session.refresh(item)
    return item.owner.name


def _dependency(factory: SessionFactory) -> object:
    def get_db() -> Iterator[Session]:
        session = factory()
        try:
            yield session
        finally:
            session.close()

    return Depends(get_db)


def _add_sync_routes(app: FastAPI, factory: SessionFactory) -> None:
    Db = Annotated[Session, _dependency(factory)]  # noqa: N806  an alias of a type

    @app.get("/read/{number}")
    def read(number: int, db: Db) -> Response:
        return PlainTextResponse(_read(db, number))

    @app.get("/write/{number}")
    def write(number: int, db: Db) -> Response:
        return PlainTextResponse(_write(db, number))


def _add_async_routes(app: FastAPI, factory: SessionFactory) -> None:
    @app.get("/read/{number}")
    async def read(number: int) -> Response:
        with factory() as session:
            return PlainTextResponse(_read(session, number))

    @app.get("/write/{number}")
    async def write(number: int) -> Response:
        with factory() as session:
            return PlainTextResponse(_write(session, number))


def _add_native_routes(app: FastAPI, database: Database) -> None:
    Db = Annotated[AsyncSession, Depends(database.get_db)]  # noqa: N806  an alias of a type

    @app.get("/read/{number}")
    async def read(number: int, db: Db) -> Response:
        return PlainTextResponse((await db.get_one(Item, number)).name)

    @app.get("/write/{number}")
    async def write(number: int, db: Db) -> Response:
        item = await db.get_one(Item, number, options=[joinedload(Item.owner)])
        item.quantity += 1
        await db.commit()
        await db.refresh(item)
        return PlainTextResponse(item.owner.name)


def from_environment() -> FastAPI:
    """For `uvicorn --factory`."""
    return make_app(os.environ["VARIANT"], os.environ["BENCHMARK_URL"])
