"""A sync `Session` for worker threads that does its I/O on the event loop of an `AsyncSession`.

Give it to `async_sessionmaker(sync_session_class=HopSession)`, or take `sync_side(session)` where
there is no factory. What has been migrated uses the
`AsyncSession`; what has not uses that session's `.sync_session` from a worker thread, the place
where FastAPI runs sync routes and dependencies. Both are one session: one connection, one
transaction, one identity map. So a half-migrated request cannot lose a write between two sessions,
and neither a second engine nor a sync driver is needed.

Each call that needs I/O runs as one unit in a greenlet on the loop while the worker thread waits,
and so do lazy loads, because the loaders call `Session.execute`. On the loop itself nothing hops:
there, implicit I/O raises `MissingGreenlet` as with every `AsyncSession`.

Each line of a worker thread that uses it is counted, and warns once as deprecated.

A commit made by code that has not migrated expires the objects and reads them anew, as that code
expects (`runtime.expiry`); one made through the `AsyncSession` leaves them as they are until a
query meets them again (`runtime.late_expiry`), or until `call_async` returns to such code.

What is read with `yield_per()` in a thread is fetched as a whole. `session.connection()` gives a
connection that hops, too.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Engine
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, SessionTransaction

from migrate_async.runtime.expiry import commit_and_reload, is_own_call_of_async_session
from migrate_async.runtime.hop_connection import hopping
from migrate_async.runtime.hop_engine import hopping_engine
from migrate_async.runtime.late_expiry import LateExpirySession
from migrate_async.runtime.legacy.deprecation import warn_legacy
from migrate_async.runtime.on_loop import is_plain_thread, run_on_loop
from migrate_async.runtime.running import in_greenlet, loop_behind, running_loop
from migrate_async.runtime.turns import take_turn

_T = TypeVar("_T")
_Bind = TypeVar("_Bind", bound="Engine | Connection | None")

IO_METHODS = (
    "bulk_insert_mappings",
    "bulk_save_objects",
    "bulk_update_mappings",
    "close",
    "connection",
    "delete",
    "execute",
    "flush",
    "get",
    "get_one",
    "invalidate",
    "merge",
    "refresh",
    "reset",
    "rollback",
    "scalar",
    "scalars",
)


class HopTransaction:
    """The `SessionTransaction` of `begin()` and `begin_nested()`, usable in a worker thread."""

    def __init__(self, session: HopSession, transaction: SessionTransaction) -> None:
        self._session = session
        self._transaction = transaction

    def __enter__(self) -> HopTransaction:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        leave = functools.partial(self._transaction.__exit__, exc_type, exc, traceback)
        self._session.hop(leave if exc_type is not None else self._committing(leave))

    def commit(self) -> None:
        self._session.hop(self._committing(self._transaction.commit))

    def _committing(self, commit: Callable[[], Any]) -> Callable[[], Any]:
        """`commit` as legacy code means it; the end of a savepoint expires nothing."""
        if self._transaction.nested:
            return commit
        return functools.partial(commit_and_reload, self._session, commit)

    def rollback(self) -> None:
        self._session.hop(self._transaction.rollback)

    def close(self) -> None:
        self._session.hop(self._transaction.close)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transaction, name)


class HopSession(LateExpirySession):
    """A `Session` whose I/O runs on the loop that it was made on; see the module."""

    commits_of_coroutines = 0
    """How often coroutines have committed it."""

    def __init__(self, *args: Any, loop: asyncio.AbstractEventLoop | None = None, **options: Any):
        super().__init__(*args, **options)
        self._loop = loop or loop_behind()

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The loop that does the I/O."""
        return self._loop

    def use_loop(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Do the I/O on `loop` from now on."""
        self._loop = loop

    def hop(self, function: Callable[..., _T], *args: Any, **options: Any) -> _T:
        """Call `function` on the loop and wait for it; call it here if this is not a thread.

        Raises whatever `function` raises.
        """
        if self._loop is not None and is_plain_thread():
            warn_legacy("a sync session in a worker thread", "`db: AsyncSession = Depends(get_db)`")
        take_turn(self)
        return run_on_loop(self._loop, function, *args, **options)

    # Other libraries take it, `pandas.read_sql(query, db.bind)`.
    @property
    def bind(self) -> Engine | Connection | None:
        bind: Engine | Connection | None = self.__dict__.get("bind")
        return self._for_threads(bind)

    @bind.setter
    def bind(self, bind: Engine | Connection | None) -> None:
        self.__dict__["bind"] = bind

    def get_bind(self, *args: Any, **options: Any) -> Engine | Connection:
        return self._for_threads(super().get_bind(*args, **options))

    def _for_threads(self, bind: _Bind) -> _Bind:
        loop: asyncio.AbstractEventLoop | None = self.__dict__.get("_loop")
        if loop is None or not isinstance(bind, Engine) or not is_plain_thread():
            return bind
        return cast("_Bind", hopping_engine(bind, loop))

    def commit(self) -> None:
        if is_own_call_of_async_session():
            super().commit()
            self.commits_of_coroutines += 1
        else:
            self.hop(commit_and_reload, self, super().commit)

    def scalars(self, *args: Any, **options: Any) -> Any:
        return self.execute(*args, **options).scalars()

    def connection(self, *args: Any, **options: Any) -> Connection:
        found = self.hop(super().connection, *args, **options)
        return hopping(found, self._loop) if self._loop and is_plain_thread() else found

    # SQLAlchemy types these as returning `SessionTransaction`, which the proxy stands in for.
    def begin(self, nested: bool = False) -> Any:
        transaction = self.hop(super().begin, nested)
        return self._proxy(transaction)

    def begin_nested(self) -> Any:
        transaction = self.hop(super().begin_nested)
        return self._proxy(transaction)

    def _proxy(self, transaction: SessionTransaction) -> SessionTransaction | HopTransaction:
        if self._loop is None or in_greenlet():
            return transaction
        return HopTransaction(self, transaction)


def sync_side(session: AsyncSession) -> Session:
    """The sync session of `session`, made usable in worker threads: for code that stays sync.

    For sessions that are made without a factory, `AsyncSession(engine)`. Call it on the event loop
    that the session belongs to. The class of the session stays a base of its new one.
    """
    lend: Callable[[], Session] | None = getattr(session, "lend_to_threads", None)
    if lend is not None:  # an adapter: its session is a test's, and stays what it is
        return lend()
    found = session.sync_session
    if isinstance(found, HopSession):
        return found
    loop = running_loop()
    kind: Any = type(found)
    watches = isinstance(found, LateExpirySession)
    found.__class__ = hop_class(kind)
    assert isinstance(found, HopSession)  # noqa: S101  it is one now
    if not watches:
        found.watch_loads()
    found.use_loop(loop)
    return found


@functools.cache
def hop_class(base: Any) -> type[HopSession]:
    """`HopSession` with what the session class `base` adds or overrides.

    For `async_sessionmaker(sync_session_class=hop_class(Audited))`.
    """
    if base is Session:
        return HopSession
    own: dict[str, Any] = {"exec": _hopping("exec", base)} if hasattr(base, "exec") else {}
    return type(f"Hop{base.__name__}", (HopSession, base), own)


def _hopping(name: str, base: type[Session] = LateExpirySession) -> Callable[..., Any]:
    method = getattr(base, name)

    @functools.wraps(method)
    def call(self: HopSession, *args: Any, **options: Any) -> Any:
        return self.hop(method, self, *args, **options)

    return call


for _name in IO_METHODS:
    # `get_one` came with 2.0.22
    if hasattr(Session, _name) and _name not in vars(HopSession):
        setattr(HopSession, _name, _hopping(_name))
