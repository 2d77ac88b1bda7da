"""Sessions and engines on the sync driver beside async ones, for code that needs that driver.

A raw cursor, or a library that is given an engine or the connection of the driver, has nothing in
an async one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import StaticPool

from migrate_async.runtime.engine import given_to
from migrate_async.runtime.legacy.adapter import SyncSessionAdapter
from migrate_async.runtime.legacy.engine import bridged_engine
from migrate_async.runtime.legacy.sessions import threads_engine

S = TypeVar("S", bound=Session)

_made: WeakKeyDictionary[Engine, Engine] = WeakKeyDictionary()
_lock = Lock()


@contextmanager
def blocking_session(db: AsyncSession, factory: sessionmaker[S]) -> Iterator[S | Session]:
    """A session of `factory`, which is on a sync driver; it is closed at the end.

    :param db: the session of the request, which is not used otherwise. Where tests override the
        dependency that gives it, the session is on their database; where they give a sync session,
        it is that one, which they close themselves.
    """
    if isinstance(db, SyncSessionAdapter):
        yield db.sync_session
        return
    with factory(**_bind(db, factory)) as session:
        yield session


def blocking_engine(engine: AsyncEngine | Engine) -> Engine:
    """The sync engine of the database of `engine`, made once and disposed of with that.

    It has the URL and the arguments that `async_engine_from_url` was given. A database in memory
    is reached through `engine` itself, as there is no other way. A sync engine comes back as it is.
    """
    if isinstance(engine, Engine):
        return engine
    if isinstance(engine.pool, StaticPool):
        return bridged_engine(engine)
    own = engine.sync_engine
    with _lock:
        if own not in _made:
            _made[own] = _make(engine)
            event.listen(own, "engine_disposed", _made[own].dispose)
        return _made[own]


def _make(engine: AsyncEngine) -> Engine:
    given = given_to(engine)
    if given is None:
        return threads_engine(engine)
    url, options = given
    return create_engine(url, **options)


def _bind(db: AsyncSession, factory: sessionmaker[Any]) -> dict[str, Engine]:
    """The engine of the database that `db` is on, if that is not the one of `factory`."""
    bind = vars(db.sync_session).get("bind")  # as it is, for no thread in particular
    own = factory.kw.get("bind")
    if not isinstance(bind, Engine | Connection) or not isinstance(own, Engine):
        return {}
    if _place(bind.engine.url) == _place(own.url):
        return {}
    return {"bind": threads_engine(AsyncEngine(bind.engine))}


def _place(url: URL) -> tuple[object, ...]:
    return (url.get_backend_name(), url.host, url.port, url.database)
