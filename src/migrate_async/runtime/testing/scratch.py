"""A database that exists for a test run, and transactions in it that exist for a test."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from sqlalchemy import Engine, MetaData, text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from migrate_async.runtime.engine import create_async_engine
from migrate_async.runtime.legacy.loop import LoopThread
from migrate_async.runtime.sqlite import is_sqlite_memory
from migrate_async.runtime.testing.redirect import redirect_engines
from migrate_async.runtime.testing.savepoints import SavepointStack
from migrate_async.runtime.testing.virtual import virtual_async_engine
from migrate_async.runtime.urls import to_async_url

T = TypeVar("T")


class ScratchDatabase:
    """A new database on the server of `url`, dropped at the end.

    `url` names an existing database, `app` say; the new one is called `app_test_` and eight random
    hex digits, so parallel runs and workers do not meet, and no data can be damaged. The user needs
    the right to create databases; with `create=False` the database of `url` itself is used.

    ::

        with ScratchDatabase("postgresql://localhost/app") as database:
            database.create_tables(Base.metadata)
            with database.transaction() as transaction:
                session = transaction.async_session()

    All methods block, and may be called from any thread: the I/O happens on a thread of its own.
    """

    def __init__(self, url: str | URL, *, create: bool = True, **engine_options: Any) -> None:
        self._server = to_async_url(url)
        self._creates = create and not is_memory(self._server)
        self.url = _scratch_url(self._server) if self._creates else self._server
        self._options = engine_options
        self._thread = LoopThread()
        self._engine: AsyncEngine | None = None

    @property
    def engine(self) -> AsyncEngine:
        """The engine. Its connections belong to the thread: use it by `run`.

        :raises RuntimeError: the database is not open.
        """
        if self._engine is None:
            raise RuntimeError("open the database first: `with ScratchDatabase(url) as database:`")
        return self._engine

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the event loop of this database and wait for its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._thread.loop).result()

    def create_tables(self, metadata: MetaData) -> None:
        """Create the tables that are missing."""
        self.run(self._create_tables(metadata))

    async def _create_tables(self, metadata: MetaData) -> None:
        async with self.engine.begin() as connection:
            await connection.run_sync(metadata.create_all)

    @contextmanager
    def transaction(self) -> Iterator[SharedTransaction]:
        """Open a transaction for one test; at the end it is rolled back, whatever was committed."""
        connection = self.run(self._begin())
        shared = self.run(_share(connection, self.engine, self._thread))
        try:
            yield shared
        finally:
            self.run(shared._roll_back(connection))

    async def _begin(self) -> AsyncConnection:
        connection = await self.engine.connect()
        await connection.begin()
        return connection

    def __enter__(self) -> ScratchDatabase:
        if self._creates:
            self.run(_create_database(self._server, self.url))
        self._engine = create_async_engine(self.url, **self._options)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.run(self.engine.dispose())
        self._engine = None
        if self._creates:
            self.run(_drop_database(self._server, self.url))
        self._thread.stop()


class SharedTransaction:
    """One real transaction, used by any number of sessions that commit and roll back as they like.

    :ivar engine: an async engine whose connections are all in the transaction.
    """

    def __init__(self, engine: AsyncEngine, stack: SavepointStack, real: Engine) -> None:
        self.engine = engine
        self._stack = stack
        self._real = real

    @property
    def sync_engine(self) -> Engine:
        """The same for sync code, in any thread; not in a coroutine, where it would block."""
        return self.engine.sync_engine

    def async_session(self, **options: Any) -> AsyncSession:
        """Return a new session; it may be used on any event loop."""
        return AsyncSession(self.engine, **{"expire_on_commit": False, **options})

    def session(self, **options: Any) -> Session:
        """Return a new sync session; it may be used in any thread."""
        return Session(self.sync_engine, **options)

    @contextmanager
    def redirect(self, only: Callable[[Engine], bool] = lambda _: True) -> Iterator[None]:
        """Have the engines of the application use this transaction; see `redirect_engines`."""
        real = self._real
        with redirect_engines(self.sync_engine, only=lambda e: e is not real and only(e)):
            yield

    async def _roll_back(self, connection: AsyncConnection) -> None:
        self._stack.closed = True
        await connection.close()


def is_memory(url: URL) -> bool:
    """Whether the database is in the memory of this process."""
    return url.get_backend_name() == "sqlite" and is_sqlite_memory(url)


async def _share(
    connection: AsyncConnection, engine: AsyncEngine, thread: LoopThread
) -> SharedTransaction:
    pooled = await connection.get_raw_connection()
    guards = engine.dialect.name == "postgresql"
    stack = SavepointStack(pooled.dbapi_connection, thread.loop, guards=guards)
    return SharedTransaction(virtual_async_engine(engine, stack), stack, engine.sync_engine)


def _scratch_url(url: URL) -> URL:
    suffix = f"_test_{uuid.uuid4().hex[:8]}"
    if url.get_backend_name() != "sqlite":
        return url.set(database=f"{url.database or 'app'}{suffix}")
    path = Path(url.database or "app.db")
    return url.set(database=str(path.with_name(path.stem + suffix + path.suffix)))


async def _create_database(server: URL, scratch: URL) -> None:
    if server.get_backend_name() != "sqlite":
        await _administer(server, "CREATE DATABASE {}", scratch)


async def _drop_database(server: URL, scratch: URL) -> None:
    if server.get_backend_name() != "sqlite":
        await _administer(server, "DROP DATABASE {}", scratch)
    else:
        _remove_file(str(scratch.database))


def _remove_file(database: str) -> None:
    for ending in ("", "-wal", "-shm", "-journal"):
        Path(database + ending).unlink(missing_ok=True)


async def _administer(server: URL, statement: str, scratch: URL) -> None:
    engine = create_async_engine(server, isolation_level="AUTOCOMMIT")
    name = engine.dialect.identifier_preparer.quote(str(scratch.database))
    try:
        async with engine.connect() as connection:
            await connection.execute(text(statement.format(name)))
    finally:
        await engine.dispose()
