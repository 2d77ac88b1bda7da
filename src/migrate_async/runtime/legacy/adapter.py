"""An `AsyncSession` over a sync `Session`: migrated routes under the sync tests of the legacy app.

The sync session keeps its sync driver, so each call blocks the event loop; this is for tests.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import event
from sqlalchemy.exc import MissingGreenlet
from sqlalchemy.orm import ORMExecuteState, Session

from migrate_async.runtime.expiry import commit_and_reload, is_own_call_of_async_session
from migrate_async.runtime.frames import is_library
from migrate_async.runtime.hop import IO_METHODS
from migrate_async.runtime.legacy.bridge import run_awaiting
from migrate_async.runtime.legacy.deprecation import counted_elsewhere, warn_legacy
from migrate_async.runtime.legacy.earlier_objects import EarlierObjects
from migrate_async.runtime.legacy.over_sync import OverSyncSession
from migrate_async.runtime.on_loop import run_on_loop
from migrate_async.runtime.running import in_greenlet, running_loop

P = ParamSpec("P")
T = TypeVar("T")

_served: ContextVar[Session | None] = ContextVar("migrate_async_adapted_session", default=None)


_LENT = (*IO_METHODS, "exec")
"""`exec` is a method of SQLModel's sessions only."""

_REPLACED = (*_LENT, "commit")
"""What stands for itself in the session while it is lent; tests may have replaced it before."""

_KEEPING_NOTHING = frozenset({"migrate_async", "sqlalchemy"})
"""Packages whose functions are done with a session when they return."""


class SyncSessionAdapter(OverSyncSession):
    """Looks like an `AsyncSession`, works on a given sync session.

    :param session: the sync session, which stays usable by whoever made it.
    :param strict: refuse what a real `AsyncSession` would refuse: loading a relationship or an
        expired attribute by merely touching it raises `MissingGreenlet`.
    :param expire_on_commit: as long as the adapter is open; False as for the runtime's sessions,
        otherwise reading an attribute after a commit would be refused here and work there.

    A worker thread that asks for `sync_session` runs code that has not migrated (`get_sync_db`),
    which may load implicitly on a real session too (`HopSession`): threads are no longer watched.
    Nor are they once a coroutine of the application asks for it, to hand it to such code, or gives
    it to a function by `run_sync`, which may keep it in an object.
    """

    def __init__(
        self, session: Session, *, strict: bool = True, expire_on_commit: bool = False
    ) -> None:
        warn_legacy("SyncSessionAdapter", "an AsyncSession in tests")
        self._lent = False
        super().__init__(session)
        # The mock of a session, `MagicMock(spec=Session)`, has what the class has, and no events.
        self._expired_before = getattr(session, "expire_on_commit", True)
        self._strict = strict = strict and issubclass(type(session), Session)
        session.expire_on_commit = expire_on_commit
        self._reloads = self._expired_before and not expire_on_commit
        self._loop = running_loop()
        self._own = {name: vars(session)[name] for name in _REPLACED if name in vars(session)}
        self._lend(session)
        if strict:
            self._earlier = EarlierObjects(session)
            event.listen(session, "do_orm_execute", self._refuse_implicit_load)

    @property
    def sync_session(self) -> Session:
        """The session given."""
        asks = sys._getframe(1).f_code.co_filename
        if (running_loop() is None and not in_greenlet()) or not is_library(asks):
            self._lent = True
        return self._session

    @sync_session.setter
    def sync_session(self, session: Session) -> None:
        self._session = session

    def lend_to_threads(self) -> Session:
        """The session given, to be used by code in worker threads from now on."""
        self._lent = True
        return self._session

    async def run_sync(
        self,
        fn: Callable[Concatenate[Session, P], T],
        *arg: P.args,
        **kw: P.kwargs,
    ) -> T:
        """`fn(session, ...)` with the sync session."""
        package = str(getattr(fn, "__module__", "")).partition(".")[0]
        self._lent = self._lent or package not in _KEEPING_NOTHING
        return await super().run_sync(fn, *arg, **kw)

    async def close(self) -> None:
        """Close the sync session too."""
        self.release()
        await super().close()

    def release(self) -> None:
        """Give the sync session back as it was, open; idempotent."""
        session = self.sync_session
        session.expire_on_commit = self._expired_before
        for name in _REPLACED:
            vars(session).pop(name, None)
        vars(session).update(self._own)
        if self._strict:
            self._strict = False
            event.remove(session, "do_orm_execute", self._refuse_implicit_load)
            self._earlier.give_back()

    def _lend(self, session: Session) -> None:
        """Have legacy code in worker threads use the session where it was made: by its loop.

        What belongs to a thread, an in-memory SQLite database for example, is the same for all.
        """
        for name in _LENT:
            method = getattr(session, name, None)
            if method is not None:
                setattr(session, name, functools.partial(self._where_made, method))
        commit = session.commit

        def commit_where_made() -> None:
            if self._reloads and not is_own_call_of_async_session():
                # Legacy code counts on fresh values after its own commits.
                self._where_made(commit_and_reload, session, commit)
            else:
                self._where_made(commit)

        session.commit = commit_where_made  # type: ignore[method-assign]

    def _where_made(self, function: Callable[..., T], *args: Any, **options: Any) -> T:
        is_open = self._loop is not None and not self._loop.is_closed()
        return run_on_loop(
            self._loop if is_open and self._lent else None, function, *args, **options
        )

    async def get(self, entity: Any, ident: Any, *, options: Any = None, **given: Any) -> Any:
        """As of a session of the application's own, which has no objects of somebody else."""
        found = await super().get(entity, ident, options=options, **given)
        if found is not None and options and self._strict:
            await run_awaiting(self._earlier.complete, found, options)
        return found

    def _refuse_implicit_load(self, state: ORMExecuteState) -> None:
        if not state.is_select:  # only those have load options to look at
            return
        implicit = state.is_column_load or state.lazy_loaded_from is not None
        if not implicit or in_greenlet():
            return
        watched = _served.get() is self._session and not self._lent
        if self._earlier.would_have(state):
            return
        if running_loop() is not None or watched:
            raise MissingGreenlet(
                "an attribute that is not loaded was read in async code; a real AsyncSession "
                f"cannot load it implicitly either: {_describe(state)}",
                code="xd2s",
            )


@contextlib.contextmanager
def adapted(
    session: Session, *, strict: bool = True, hops: bool = False
) -> Iterator[SyncSessionAdapter]:
    """Lend a sync session to async code; in the strict mode its worker threads are watched too.

    Not so where the sessions of the application hop, `HopSession`: threads may load by reading.
    """
    with counted_elsewhere():
        adapter = SyncSessionAdapter(session, strict=strict)
    if hops:
        adapter.lend_to_threads()
    token = _served.set(session if strict else None)
    try:
        yield adapter
    finally:
        adapter.release()
        with contextlib.suppress(ValueError):  # FastAPI ended the request in another context
            _served.reset(token)


def _describe(state: ORMExecuteState) -> str:
    if state.is_column_load:
        return "expired or deferred columns"
    path = state.loader_strategy_path
    return "a relationship" if path is None else f"the relationship {path[-1]}"
