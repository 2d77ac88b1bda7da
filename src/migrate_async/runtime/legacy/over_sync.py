"""An `AsyncSession` that works on a sync `Session`, whose driver blocks: nothing waits in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy.engine import Connection, CursorResult, ScalarResult
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from migrate_async.runtime.legacy.bridge import run_awaiting

T = TypeVar("T")


class OverSyncSession(AsyncSession):
    """Looks like an `AsyncSession`, and does everything with `session`.

    `async_object_session()` finds it for the objects of that session as long as it lives.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(sync_session_class=lambda **_: session)  # type: ignore[arg-type]

    async def execute(self, statement: Any, params: Any = None, **options: Any) -> Any:
        """As of the sync session: its cursors have nothing to await (`text()` statements)."""
        given = dict(options.pop("execution_options", None) or {})
        options["execution_options"] = {**given, "prebuffer_rows": True}
        return await run_awaiting(self.sync_session.execute, statement, params, **options)

    async def exec(self, statement: Any, **options: Any) -> Any:
        """As of a sync session of SQLModel."""
        return await run_awaiting(self.sync_session.exec, statement, **options)  # type: ignore[attr-defined]

    async def connection(self, **options: Any) -> SyncConnectionAdapter:  # type: ignore[override]
        """The session's connection, shaped like an `AsyncConnection`."""
        return SyncConnectionAdapter(await run_awaiting(self.sync_session.connection, **options))


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
