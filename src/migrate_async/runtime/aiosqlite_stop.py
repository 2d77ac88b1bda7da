"""aiosqlite's connections end once, so that nobody waits for a second end.

`Connection.stop()` sends the thread of a connection its last order and gives a future for it. A
second order finds no thread any more, and its future is never done. Both happen when a task is
cancelled while it returns its connection: SQLAlchemy stops the connection, whose `close()` still
runs and stops it again when the event loop, at its end, cancels that, too. Then the loop never
ends (aiosqlite 0.22.1, SQLAlchemy 2.0.58 and 2.1). Until 0.22 there was no `stop()`.
"""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine


def stop_once(engine: AsyncEngine) -> AsyncEngine:
    """Let the connections of `engine` ignore every `stop()` after their first; it is given back."""
    if engine.dialect.driver == "aiosqlite":
        event.listen(engine.sync_engine, "connect", _guard)
    return engine


def _guard(dbapi_connection: Any, _record: object) -> None:
    guarded = _stopping_once()
    connection = dbapi_connection.driver_connection
    if type(connection) is guarded.__base__ and hasattr(connection, "stop"):
        # An attribute of the instance would refer to it, and keep it from being deleted.
        connection.__class__ = guarded


@cache
def _stopping_once() -> type[Any]:
    import aiosqlite  # noqa: PLC0415  an extra

    class StoppingOnce(aiosqlite.Connection):
        _is_stopped = False

        def stop(self) -> asyncio.Future[Any] | None:
            """As the driver's, the first time; then None, for which `close()` does not wait."""
            if self._is_stopped:
                return None
            self._is_stopped = True
            return super().stop()

    return StoppingOnce
