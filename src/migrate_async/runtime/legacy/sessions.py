"""`SessionLocal()` and `get_sync_db` for unmigrated code, and what a database module needs.

An application moves onto the async engine by changing its database module only::

    database = init_db(DATABASE_URL)                    # was: engine = create_engine(...)
    engine = legacy_engine(database)
    SessionLocal = legacy_sessionmaker(database, autoflush=False)
    install()                                           # or install(app) where `app` is made

Sessions made here are ordinary `Session` objects. Which engine they use depends on the mode of
the route that opens them, see `modes`.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterator
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import create_engine
from sqlalchemy.engine import URL, Engine
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import Session, scoped_session, sessionmaker
from sqlalchemy.pool import QueuePool, StaticPool

from migrate_async.runtime.database import Database, get_database
from migrate_async.runtime.errors import MigrateAsyncRuntimeError
from migrate_async.runtime.frames import UNKNOWN, app_location
from migrate_async.runtime.legacy.bridge import call_on_loop
from migrate_async.runtime.legacy.deprecation import deprecated, warn_legacy
from migrate_async.runtime.legacy.engine import BridgedEngine, bridged_engine
from migrate_async.runtime.legacy.line import nearest_loop
from migrate_async.runtime.legacy.modes import Mode, SyncSessionRefused, current_mode
from migrate_async.runtime.tracking import current_scope, on_scope_end, track_session
from migrate_async.runtime.urls import to_sync_url

DatabaseLike = Database | AsyncEngine | str | None
"""A `Database`, an async engine, the name of a database, or None for the default one."""

_threads_engines: WeakKeyDictionary[Engine, Engine] = WeakKeyDictionary()
_threads_lock = threading.Lock()


class InMemoryDatabaseInThreads(MigrateAsyncRuntimeError):
    """The mode `threads` was asked for on an in-memory SQLite database."""


class LegacySession(Session):
    """A `Session` that is closed with the request which opened it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        track_session(self)

    def close(self) -> None:
        """Close the session; in a worker thread, all of it in one hop."""
        if isinstance(self.bind, BridgedEngine) and self.in_transaction():
            call_on_loop(nearest_loop(), super().close)
        else:
            super().close()


class legacy_sessionmaker(sessionmaker[LegacySession]):  # noqa: N801  (as SQLAlchemy's)
    """A `sessionmaker` whose sessions use the engine that the current mode calls for.

    :param database: a `Database`, an async engine, the name of a database, or None for the
        default one, looked up when a session is made.
    :param options: as of `sqlalchemy.orm.sessionmaker`; a `bind` given here wins.
    """

    def __init__(self, database: DatabaseLike = None, **options: Any) -> None:
        options.setdefault("class_", LegacySession)
        super().__init__(**options)
        self._database = database
        if isinstance(database, Database | AsyncEngine):
            sync_engine_of(database)  # from now on it knows which loop its connections are on

    def __call__(self, **options: Any) -> LegacySession:
        """A new session; counts and warns as deprecated.

        :raises SyncSessionRefused: the route is declared native.
        """
        where = app_location()
        scope = current_scope()
        if where is UNKNOWN and scope is not None:
            where = scope.endpoint_location
        warn_legacy("SessionLocal()", "`db: AsyncSession = Depends(get_db)`", where)
        mode = current_mode()
        if mode is Mode.NATIVE:
            raise SyncSessionRefused(f"a sync session was opened at {where} in a native route")
        if scope is not None:
            scope.count_legacy(mode)
        if options.get("bind") is None and self.kw.get("bind") is None:
            options["bind"] = engine_for(self._database, mode)
        return super().__call__(**options)


def engine_for(database: DatabaseLike, mode: Mode) -> Engine:
    """The sync engine of a database in a mode."""
    if mode is Mode.THREADS:
        return threads_engine(database)
    return sync_engine_of(database).for_sessions


def sync_engine_of(database: DatabaseLike = None) -> BridgedEngine:
    """The sync engine over a database's async one."""
    return bridged_engine(async_engine_of(database))


@deprecated("legacy_engine()", "`database.engine` and `await connection.run_sync(...)`")
def legacy_engine(database: DatabaseLike = None) -> BridgedEngine:
    """The sync engine over a database's async one: for `create_all`, `inspect`, scripts, tests."""
    return sync_engine_of(database)


@deprecated("legacy_scoped_session()", "`db: AsyncSession = Depends(get_db)`")
def legacy_scoped_session(
    factory: sessionmaker[LegacySession] | None = None,
) -> scoped_session[LegacySession]:
    """A `scoped_session` with one session per request, outside of requests one per thread.

    The thread-local default would hand one session to all requests that run on the event loop.
    """
    scoped = scoped_session(SessionLocal if factory is None else factory, scopefunc=_scope_key)
    registry: dict[Hashable, LegacySession] = scoped.registry.registry
    on_scope_end(lambda scope: registry.pop(scope, None))
    return scoped


def threads_engine(database: DatabaseLike = None) -> Engine:
    """The engine of the mode `threads`: the same database over a sync driver, made once.

    :raises InMemoryDatabaseInThreads: a second engine would be a second, empty database.
    """
    engine = async_engine_of(database)
    known = _threads_engines.get(engine.sync_engine)
    if known is None:
        with _threads_lock:
            known = _threads_engines.get(engine.sync_engine)
            if known is None:
                known = _make_threads_engine(engine, _url_of(database))
                _threads_engines[engine.sync_engine] = known
    return known


def async_engine_of(database: DatabaseLike) -> AsyncEngine:
    """The async engine behind any of the ways to name a database."""
    return database if isinstance(database, AsyncEngine) else _database_of(database).engine


def _database_of(database: Database | str | None) -> Database:
    if database is None:
        return get_database()
    return get_database(database) if isinstance(database, str) else database


def _url_of(database: DatabaseLike) -> URL:
    """As it was given, with the arguments of a sync driver, if there were any."""
    return database.url if isinstance(database, AsyncEngine) else _database_of(database).url


SessionLocal = legacy_sessionmaker()
"""Sessions of the default database."""


def get_sync_db() -> Iterator[Session]:
    """The dependency of an unmigrated route: a session of the default database, closed after."""
    session = SessionLocal()
    try:
        yield session
    finally:
        session.close()


def _make_threads_engine(engine: AsyncEngine, url: URL) -> Engine:
    if isinstance(engine.pool, StaticPool):
        raise InMemoryDatabaseInThreads(
            "the mode `threads` needs a second engine, which for an in-memory SQLite database "
            "would be another database: use the mode `hop` or `loop`, or a file"
        )
    return create_engine(to_sync_url(url), **_pool_options(engine))


def _pool_options(engine: AsyncEngine) -> dict[str, Any]:
    """The settings of the async engine's pool, as far as a pool of threads has them."""
    pool = engine.pool
    if engine.dialect.name == "sqlite" or not isinstance(pool, QueuePool):
        return {}
    return {
        "pool_size": pool.size(),
        "max_overflow": pool._max_overflow,
        "pool_timeout": pool._timeout,
        "pool_recycle": pool._recycle,
        "pool_pre_ping": pool._pre_ping,
    }


def _scope_key() -> Hashable:
    return current_scope() or threading.get_ident()
