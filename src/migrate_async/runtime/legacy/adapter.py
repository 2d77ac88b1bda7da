"""An `AsyncSession` over a sync `Session`: migrated routes under the sync tests of the legacy app.

The sync session keeps its sync driver, so each call blocks the event loop; this is for tests.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, TypeVar

from sqlalchemy import event
from sqlalchemy.engine import Connection, CursorResult, ScalarResult
from sqlalchemy.exc import MissingGreenlet
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import ORMExecuteState, Session

from migrate_async.runtime.legacy.bridge import run_awaiting
from migrate_async.runtime.legacy.deprecation import counted_elsewhere, warn_legacy
from migrate_async.runtime.running import in_greenlet, running_loop

T = TypeVar("T")

_served: ContextVar[Session | None] = ContextVar("migrate_async_adapted_session", default=None)


class SyncSessionAdapter(AsyncSession):
    """Looks like an `AsyncSession`, works on a given sync session.

    :param session: the sync session, which stays usable by whoever made it.
    :param strict: refuse what a real `AsyncSession` would refuse: loading a relationship or an
        expired attribute by merely touching it raises `MissingGreenlet`.
    :param expire_on_commit: as long as the adapter is open; False as for the runtime's sessions,
        otherwise reading an attribute after a commit would be refused here and work there.
    """

    def __init__(
        self, session: Session, *, strict: bool = True, expire_on_commit: bool = False
    ) -> None:
        warn_legacy("SyncSessionAdapter", "an AsyncSession in tests")
        super().__init__(sync_session_class=lambda **_: session)  # type: ignore[arg-type]
        self._expired_before = session.expire_on_commit
        self._strict = strict
        session.expire_on_commit = expire_on_commit
        if strict:
            event.listen(session, "do_orm_execute", self._refuse_implicit_load)

    async def close(self) -> None:
        """Close the sync session too."""
        self.release()
        await super().close()

    def release(self) -> None:
        """Give the sync session back as it was, open; idempotent."""
        session = self.sync_session
        session.expire_on_commit = self._expired_before
        if self._strict:
            self._strict = False
            event.remove(session, "do_orm_execute", self._refuse_implicit_load)

    async def connection(self, **options: Any) -> SyncConnectionAdapter:  # type: ignore[override]
        """The session's connection, shaped like an `AsyncConnection`."""
        return SyncConnectionAdapter(await run_awaiting(self.sync_session.connection, **options))

    def _refuse_implicit_load(self, state: ORMExecuteState) -> None:
        if not state.is_select:  # only those have load options to look at
            return
        implicit = state.is_column_load or state.lazy_loaded_from is not None
        if not implicit or in_greenlet():
            return
        if running_loop() is not None or _served.get() is self.sync_session:
            raise MissingGreenlet(
                "an attribute that is not loaded was read in async code; a real AsyncSession "
                f"cannot load it implicitly either: {_describe(state)}",
                code="xd2s",
            )


class SyncConnectionAdapter:
    """The part of `AsyncConnection` that works on a sync connection."""

    def __init__(self, connection: Connection) -> None:
        self.sync_connection = connection

    async def execute(self, *args: Any, **kwargs: Any) -> CursorResult[Any]:
        return await run_awaiting(self.sync_connection.execute, *args, **kwargs)

    async def exec_driver_sql(self, *args: Any, **kwargs: Any) -> CursorResult[Any]:
        return await run_awaiting(self.sync_connection.exec_driver_sql, *args, **kwargs)

    async def scalar(self, *args: Any, **kwargs: Any) -> Any:
        return await run_awaiting(self.sync_connection.scalar, *args, **kwargs)

    async def scalars(self, *args: Any, **kwargs: Any) -> ScalarResult[Any]:
        return await run_awaiting(self.sync_connection.scalars, *args, **kwargs)

    async def run_sync(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """`function(connection, ...)` with the sync connection."""
        return await run_awaiting(function, self.sync_connection, *args, **kwargs)

    async def commit(self) -> None:
        await run_awaiting(self.sync_connection.commit)

    async def rollback(self) -> None:
        await run_awaiting(self.sync_connection.rollback)

    async def close(self) -> None:
        await run_awaiting(self.sync_connection.close)


@contextlib.contextmanager
def adapted(session: Session, *, strict: bool = True) -> Iterator[SyncSessionAdapter]:
    """Lend a sync session to async code; in the strict mode its worker threads are watched too."""
    with counted_elsewhere():
        adapter = SyncSessionAdapter(session, strict=strict)
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
