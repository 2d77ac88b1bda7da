"""What must still happen when a task is cancelled: close the session, stop its query.

A cancelled task abandons its connection, and the pool replaces it. The server knows nothing of
that and runs the query to its end, with its locks. `OrphanReaper` stops it from a spare
connection; it costs nothing until a connection is abandoned.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from sqlalchemy import NullPool, event, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.pool import ConnectionPoolEntry

logger = logging.getLogger(__name__)

_SESSION_ID_KEY = "migrate_async.server_session_id"

_background: set[asyncio.Task[None]] = set()
"""Strong references: the event loop holds its tasks only weakly."""


async def close_shielded(session: AsyncSession) -> None:
    """Close the session; a cancellation does not interrupt it, only the wait for it.

    Cleanup code which awaits anything else first loses the connection when it runs in a
    cancelled scope, and an explicit rollback would discard a healthy connection.
    """
    if not session.in_transaction():
        session.sync_session.close()  # holds no connection: nothing to wait for
        return
    await asyncio.shield(_spawn(session.close()))


def _spawn(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    task = asyncio.get_running_loop().create_task(work)
    _background.add(task)
    task.add_done_callback(_finished)
    return task


def _finished(task: asyncio.Task[None]) -> None:
    _background.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.debug("cleanup of an abandoned connection failed: %r", error)


class _Canceller:
    """How one driver names its server-side session, and how to stop what runs in it."""

    def __init__(self, statement: str, session_id: Callable[[Any], int]) -> None:
        self.statement = text(statement)
        self.session_id = session_id


# The guards spare a foreign query should the id be in use by another session already.
_PG_CANCEL = (
    "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid = :id "
    "AND usename = current_user AND datname = current_database() AND state = 'active'"
)
_CANCELLERS = {
    "asyncpg": _Canceller(_PG_CANCEL, lambda connection: connection.get_server_pid()),
    "psycopg": _Canceller(_PG_CANCEL, lambda connection: connection.info.backend_pid),
    "psycopg_async": _Canceller(_PG_CANCEL, lambda connection: connection.info.backend_pid),
    "aiomysql": _Canceller("KILL QUERY :id", lambda connection: connection.thread_id()),
    "asyncmy": _Canceller("KILL QUERY :id", lambda connection: connection.thread_id()),
}


class OrphanReaper:
    """Stops the queries of connections that a cancellation abandoned.

    One task at a time works off the list through one spare connection, however many requests
    time out at once.
    """

    def __init__(self, make_spare_engine: Callable[[], AsyncEngine], canceller: _Canceller) -> None:
        self._make_spare_engine = make_spare_engine
        self._canceller = canceller
        self._orphans: list[int] = []
        self._task: asyncio.Task[None] | None = None
        self.reaped = 0
        """How many cancel requests were sent so far."""

    @classmethod
    def install(
        cls, engine: AsyncEngine, make_spare_engine: Callable[..., AsyncEngine]
    ) -> OrphanReaper | None:
        """Watch the pool of `engine`; None when its driver needs no reaper (SQLite)."""
        canceller = _CANCELLERS.get(engine.dialect.driver)
        if canceller is None:
            return None

        def spare() -> AsyncEngine:
            return make_spare_engine(poolclass=NullPool, isolation_level="AUTOCOMMIT")

        reaper = cls(spare, canceller)
        event.listen(engine.sync_engine, "connect", reaper._on_connect)
        event.listen(engine.sync_engine, "invalidate", reaper._on_invalidate)
        return reaper

    def _on_connect(self, dbapi_connection: Any, record: ConnectionPoolEntry) -> None:
        # Noted now: psycopg does not tell the id of a connection that it closed.
        driver_connection = dbapi_connection.driver_connection
        record.info[_SESSION_ID_KEY] = self._canceller.session_id(driver_connection)

    def _on_invalidate(
        self, _connection: object, record: ConnectionPoolEntry, error: BaseException | None
    ) -> None:
        session_id = record.info.get(_SESSION_ID_KEY)
        if not isinstance(error, asyncio.CancelledError) or session_id is None:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # returned from a thread: its loop saw the cancellation
            return
        self._orphans.append(session_id)
        self._start(loop)

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        task = self._task
        if task is None or task.done() or task.get_loop() is not loop:
            self._task = _spawn(self._reap())

    async def _reap(self) -> None:
        engine = self._make_spare_engine()
        try:
            async with engine.connect() as connection:
                while self._orphans:
                    await self._cancel(connection, self._orphans.pop())
        except Exception as error:  # noqa: BLE001  the server is away, and the queries with it
            self._orphans.clear()
            logger.warning("abandoned queries could not be cancelled: %s", type(error).__name__)
        finally:
            await engine.dispose()

    async def _cancel(self, connection: Any, session_id: int) -> None:
        try:
            await connection.execute(self._canceller.statement, {"id": session_id})
        except Exception as error:  # noqa: BLE001  the query may have ended by itself
            logger.debug("query of session %s not cancelled: %r", session_id, error)
        else:
            self.reaped += 1
