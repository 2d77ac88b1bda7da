"""A session on the sync driver beside the request's, for what needs the connection of that driver.

A raw cursor, or a library that is given the connection of the driver, has nothing in an async one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session, sessionmaker

from migrate_async.runtime.legacy.adapter import SyncSessionAdapter
from migrate_async.runtime.legacy.sessions import threads_engine

S = TypeVar("S", bound=Session)


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
