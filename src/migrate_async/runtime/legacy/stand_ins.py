"""Sync session factories that tests put in the place of the application's own.

A test suite says `monkeypatch.setattr(database, "SessionLocal", TestingSession)`, where that makes
sync sessions. Once `SessionLocal` is async, so is what stands in its place: the sessions are
wrapped in a `SyncSessionAdapter`. Code that has not migrated asks for `SyncSessionLocal` beside it,
and gets the sessions as they are.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import Session, sessionmaker

from migrate_async.runtime.legacy.adapter import SyncSessionAdapter
from migrate_async.runtime.legacy.deprecation import counted_elsewhere, warn_legacy
from migrate_async.runtime.legacy.overrides import makes_hopping

Factory = Callable[..., Any]


class AdaptingFactory:
    """Makes async sessions of the sync ones that `factory` makes; gives anything else as it is.

    `hops` says whether worker threads may load by reading, as with the sessions of the application.
    """

    def __init__(self, factory: Factory, *, hops: bool = False) -> None:
        self.factory = factory
        self._hops = hops

    def __call__(self, **options: Any) -> Any:
        """A session as of the application's factory."""
        made = self.factory(**options)
        if not isinstance(made, Session):
            return made
        warn_legacy("a sync session factory in tests", "an async_sessionmaker in tests")
        with counted_elsewhere():
            adapter = SyncSessionAdapter(made)
        if self._hops:
            adapter.lend_to_threads()
        return adapter

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Any]:
        """A session in a transaction, as of `async_sessionmaker.begin()`."""
        async with self() as session, session.begin():
            yield session

    def __getattr__(self, name: str) -> Any:
        return getattr(self.factory, name)


def stand_ins(owner: object, name: str, value: object) -> Iterator[tuple[str, object]]:
    """What to put where, when a test puts `value` in the place of the attribute `name` of `owner`.

    That is `value` itself unless it takes the place of an async session factory and is none.
    """
    known = getattr(owner, name, None)
    is_known = isinstance(value, async_sessionmaker | AdaptingFactory)
    if not isinstance(known, async_sessionmaker) or is_known or not callable(value):
        yield name, value
        return
    yield name, AdaptingFactory(value, hops=makes_hopping(known))
    for twin in (f"Sync{name}", f"Blocking{name.removeprefix('Sync')}", f"sync_{name}"):
        if isinstance(getattr(owner, twin, None), sessionmaker):
            yield twin, _sync(value)


def _sync(factory: Factory) -> Factory:
    """`factory`, for code that wants sync sessions."""

    def making(**options: Any) -> Any:
        made = factory(**options)
        return made.sync_session if isinstance(made, AsyncSession) else made

    return factory if isinstance(factory, sessionmaker) else making
