"""One database: its engine, its sessions, its dependency; and the default one of a process.

The simple case needs no object::

    init_db("postgresql://app@db/app")        # or set DATABASE_URL

    @app.get("/users")
    async def users(db: AsyncSession = Depends(get_db)): ...

Several databases are several objects::

    reports = Database(os.environ["REPORTS_URL"], name="reports")

    @app.get("/reports")
    async def list_reports(db: AsyncSession = Depends(reports.get_db)): ...
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from time import perf_counter
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.ext.asyncio import async_sessionmaker as _async_sessionmaker

from migrate_async.runtime.cancellation import close_shielded
from migrate_async.runtime.engine import async_sessionmaker, create_async_engine
from migrate_async.runtime.errors import DatabaseAlreadyInitialised, DatabaseNotInitialised
from migrate_async.runtime.pools import PoolState, pool_state
from migrate_async.runtime.urls import mask_url, parse_url

DEFAULT_NAME = "default"
URL_VARIABLE = "DATABASE_URL"
CHECK_TIMEOUT_SECONDS = 5.0

CommitPolicy = Literal["success", "status", "manual"]
"""When the session of a request is committed by itself.

`"success"`: unless the route raised. `"status"`: and only if the response's status is below
400. `"manual"`: never; what the route did not commit is rolled back.
"""


@dataclass(frozen=True)
class ConnectionCheck:
    """The answer of a round trip to the database; true when it succeeded."""

    ok: bool
    latency_ms: float
    error: str | None = None
    """The type of the exception; its message may contain host and user names."""

    def __bool__(self) -> bool:
        return self.ok


@dataclass(frozen=True)
class DatabaseInfo:
    """What may be shown of a database: no secrets."""

    name: str
    url: str
    """Passwords are masked."""
    dialect: str
    driver: str
    server_version: str | None
    """None before the first connection."""
    pool: PoolState


class Database:
    """An engine with its sessions, made on first use; nothing connects before that.

    :param url: any of the common URLs, see `migrate_async.runtime.urls`; default DATABASE_URL.
    :param name: for `get_database(name)`, logs and metrics.
    :param engine_options: for `create_async_engine`.
    :param session_options: for `async_sessionmaker`.
    :param commit_policy: when `get_db` commits.
    :param retry_after: seconds a client should wait when the pool is exhausted.
    """

    def __init__(  # noqa: PLR0913  all but the first are keyword-only
        self,
        url: str | URL | None = None,
        *,
        name: str = DEFAULT_NAME,
        engine_options: Mapping[str, Any] | None = None,
        session_options: Mapping[str, Any] | None = None,
        commit_policy: CommitPolicy = "success",
        retry_after: int = 1,
    ) -> None:
        if url is None and URL_VARIABLE not in os.environ:
            raise DatabaseNotInitialised(name)
        self.name = name
        self.url = parse_url(os.environ[URL_VARIABLE] if url is None else url)
        self.engine_options = dict(engine_options or {})
        self.session_options = dict(session_options or {})
        self.commit_policy: CommitPolicy = commit_policy
        self.retry_after = retry_after

    def __repr__(self) -> str:
        return f"Database({mask_url(self.url)!r}, name={self.name!r})"

    @cached_property
    def engine(self) -> AsyncEngine:
        """The engine; made on first use, so that importing a module needs no driver."""
        return create_async_engine(self.url, **self.engine_options)

    @cached_property
    def sessionmaker(self) -> _async_sessionmaker[AsyncSession]:
        """Makes sessions which the caller closes; prefer `session()` or `transaction()`."""
        return async_sessionmaker(self.engine, **self.session_options)

    @cached_property
    def get_db(self) -> Callable[..., Awaitable[AsyncSession]]:
        """The FastAPI dependency of this database, see `migrate_async.runtime.dependencies`."""
        from migrate_async.runtime.dependencies import make_dependency  # noqa: PLC0415  optional

        return make_dependency(lambda: self)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """A session which is closed at the end; what was not committed is rolled back."""
        session = self.sessionmaker()
        try:
            yield session
        finally:
            await close_shielded(session)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session which is committed at the end, or rolled back if the block raised."""
        async with self.session() as session:
            yield session
            await session.commit()

    @asynccontextmanager
    async def lifespan(self, _app: object = None) -> AsyncIterator[None]:
        """Close the pool when the application stops: `FastAPI(lifespan=database.lifespan)`."""
        try:
            yield
        finally:
            await self.close()

    async def connect(self) -> None:
        """Open one connection now, so that a wrong URL fails at start-up and not in a request."""
        async with self.engine.connect():
            pass

    async def close(self) -> None:
        """Close the idle connections; the database may be used again afterwards."""
        await self.engine.dispose()

    async def check(self, timeout: float = CHECK_TIMEOUT_SECONDS) -> ConnectionCheck:
        """One `SELECT 1` through the pool, within `timeout` seconds; never raises."""
        started = perf_counter()
        error = None
        try:
            await asyncio.wait_for(self._ping(), timeout)
        except Exception as failure:  # noqa: BLE001  whatever it is, the database is not usable
            error = type(failure).__name__
        latency_ms = (perf_counter() - started) * 1000
        return ConnectionCheck(error is None, round(latency_ms, 3), error)

    async def _ping(self) -> None:
        async with self.engine.connect() as connection:
            await connection.execute(select(1))

    def info(self) -> DatabaseInfo:
        """Driver, server version and state of the pool; no I/O, no secrets."""
        dialect = self.engine.dialect
        version = getattr(dialect, "server_version_info", None)
        return DatabaseInfo(
            name=self.name,
            url=mask_url(self.engine.url),
            dialect=dialect.name,
            driver=dialect.driver,
            server_version=".".join(map(str, version)) if version else None,
            pool=pool_state(self.engine.pool),
        )

    def _settings(self) -> tuple[object, ...]:
        return (self.url, self.engine_options, self.session_options, self.commit_policy)


_databases: dict[str, Database] = {}


def init_db(  # noqa: PLR0913  all but the first are keyword-only
    url: str | URL | None = None,
    *,
    name: str = DEFAULT_NAME,
    engine_options: Mapping[str, Any] | None = None,
    session_options: Mapping[str, Any] | None = None,
    commit_policy: CommitPolicy = "success",
    retry_after: int = 1,
) -> Database:
    """Make a database known under `name`; arguments as of `Database`. Connects to nothing.

    :raises DatabaseAlreadyInitialised: `name` is taken by a database with other settings.
    :raises DatabaseNotInitialised: neither `url` nor DATABASE_URL is given.
    """
    database = Database(
        url,
        name=name,
        engine_options=engine_options,
        session_options=session_options,
        commit_policy=commit_policy,
        retry_after=retry_after,
    )
    known = _databases.setdefault(name, database)
    if known._settings() != database._settings():
        raise DatabaseAlreadyInitialised(name)
    return known


def get_database(name: str = DEFAULT_NAME) -> Database:
    """The database known under `name`; the default one is made from DATABASE_URL if need be.

    :raises DatabaseNotInitialised: there is none.
    """
    try:
        return _databases[name]
    except KeyError:
        if name != DEFAULT_NAME or URL_VARIABLE not in os.environ:
            raise DatabaseNotInitialised(name) from None
        return init_db()


def known_databases() -> tuple[Database, ...]:
    """All databases made by `init_db()` and not closed since."""
    return tuple(_databases.values())


async def close_db(name: str | None = None) -> None:
    """Close and forget the database of that name, or all of them."""
    names = list(_databases) if name is None else [name]
    for database in [_databases.pop(known) for known in names if known in _databases]:
        await database.close()


async def check_db_connection(
    timeout: float = CHECK_TIMEOUT_SECONDS, name: str = DEFAULT_NAME
) -> ConnectionCheck:
    """`Database.check` of the database known under `name`."""
    return await get_database(name).check(timeout)


def get_db_info(name: str = DEFAULT_NAME) -> DatabaseInfo:
    """`Database.info` of the database known under `name`."""
    return get_database(name).info()
