"""An engine whose connections are units of work inside one transaction of a test.

The DBAPI connections that it hands out are stand-ins: they share one real connection and translate
COMMIT and ROLLBACK. Everything above is SQLAlchemy's own, so sessions behave as in production. The
real connection lives on the event loop of a thread of its own; the calls travel there. So the
tests, a `TestClient`, worker threads and any number of event loops can use the same transaction.
"""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

from sqlalchemy import Engine, NullPool
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import await_only, greenlet_spawn

from migrate_async.runtime.running import in_greenlet, running_loop
from migrate_async.runtime.testing.savepoints import SavepointStack, Unit

_TRANSACTION_SETTINGS = frozenset(
    {"autocommit", "isolation_level", "set_autocommit", "set_deferrable"}
    | {"set_isolation_level", "set_read_only"}
)
_set = object.__setattr__


class LostWorkWarning(RuntimeWarning):
    """A rollback in a test also undid what another session had committed meanwhile."""

    def __str__(self) -> str:
        return (
            "a session with uncommitted changes rolled back after another session had committed; "
            "in a test both share one transaction, so the committed work is lost as well: commit "
            "the first session before the other one is used"
        )


def virtual_engine(real: Engine, stack: SavepointStack) -> Engine:
    """Return an engine over the one real connection, for the dialect and URL of `real`."""
    pool = NullPool(lambda: VirtualConnection(stack), dialect=real.dialect)
    return Engine(pool, real.dialect, real.url)


def virtual_async_engine(real: AsyncEngine, stack: SavepointStack) -> AsyncEngine:
    """Return the async face of `virtual_engine`."""
    return AsyncEngine(virtual_engine(real.sync_engine, stack))


class VirtualConnection:
    """A DBAPI connection with transactions of its own inside the real one."""

    __slots__ = ("_stack", "_unit")

    def __init__(self, stack: SavepointStack) -> None:
        _set(self, "_stack", stack)
        _set(self, "_unit", Unit())

    def cursor(self, *arguments: Any, **options: Any) -> VirtualCursor:
        real = self._stack.call(self._stack.real.cursor, *arguments, **options)
        # The argument is a name (psycopg) or `server_side=True` (the others).
        return VirtualCursor(self, real, streams=bool(arguments or options))

    def commit(self) -> None:
        self._end(self._stack.commit)

    def rollback(self) -> None:
        self._end(self._stack.roll_back)

    close = terminate = rollback

    def _end(self, how: Any) -> None:
        unit = self._unit
        _set(self, "_unit", Unit())
        if self._stack.closed or (unit.savepoint is None and not unit.failed):
            return
        if self._stack.call(how, unit):
            warnings.warn(LostWorkWarning(), stacklevel=2)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._stack.real, name)
        if not callable(value):
            return value
        return _ignore if name in _TRANSACTION_SETTINGS else partial(self._stack.call, value)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _TRANSACTION_SETTINGS:
            setattr(self._stack.real, name, value)


class VirtualCursor:
    """A cursor of the real connection whose statements belong to a virtual one."""

    __slots__ = ("_connection", "_real", "_streams")

    def __init__(self, connection: VirtualConnection, real: Any, *, streams: bool) -> None:
        _set(self, "_connection", connection)
        _set(self, "_real", real)
        _set(self, "_streams", streams)

    def execute(self, *arguments: Any) -> Any:
        return self._execute("execute", *arguments)

    def executemany(self, *arguments: Any) -> Any:
        return self._execute("executemany", *arguments)

    def _execute(self, method: str, *arguments: Any) -> Any:
        stack, unit = self._connection._stack, self._connection._unit
        return stack.call(stack.execute, unit, self._real, method, *arguments)

    def close(self) -> None:
        # SQLAlchemy also closes cursors where nothing can be awaited; then nothing has to be.
        stack = self._connection._stack
        if not stack.closed and (running_loop() is None or in_greenlet()):
            stack.call(self._real.close)
        else:
            self._real.close()

    async def _async_soft_close(self) -> None:
        # SQLAlchemy's own cursors have it since 2.0.44, awaited on the loop of the caller.
        soft_close = getattr(self._real, "_async_soft_close", None)
        if soft_close is not None:
            stack = self._connection._stack
            await greenlet_spawn(stack.call, lambda: await_only(soft_close()))

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._real, name)
        if not callable(value) or (name.startswith("fetch") and not self._streams):
            return value  # the rows of a plain cursor are here already
        return partial(self._connection._stack.call, value)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._real, name, value)


def _ignore(*_: object, **__: object) -> None:
    """Isolation level and autocommit are those of the test's transaction."""
