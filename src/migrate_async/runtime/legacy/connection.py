"""Stand-ins for what an async driver offers, usable from any thread.

The pooled connection, the driver's connection and its cursors keep their interface; each call
that needs I/O runs in a greenlet on the event loop of the connection.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from weakref import finalize

from sqlalchemy.pool import Pool, PoolProxiedConnection

from migrate_async.runtime.frames import Location, carry
from migrate_async.runtime.legacy.bridge import run_awaiting
from migrate_async.runtime.legacy.habits.contract import Habits
from migrate_async.runtime.legacy.line import Line
from migrate_async.runtime.tracking import report_dropped

logger = logging.getLogger(__name__)
_closing: set[asyncio.Future[None]] = set()  # an event loop refers to its tasks only weakly


class BridgedConnection:
    """A pooled connection whose calls run on the loop that it belongs to.

    False until it is taken out of the pool; then there is nothing to commit or to close.
    """

    __slots__ = ("__weakref__", "_habits", "_line", "_origin", "_pool", "_pooled", "_watch")

    def __init__(
        self, pool: Pool, line: Line, origin: Location, habits: Habits | None = None
    ) -> None:
        _set(self, "_pool", pool)
        _set(self, "_line", line)
        _set(self, "_origin", origin)
        _set(self, "_habits", habits)
        _set(self, "_pooled", None)

    def take(self) -> PoolProxiedConnection:
        """In a greenlet: the connection, out of the pool."""
        pooled: PoolProxiedConnection | None = self._pooled
        if pooled is None:
            with carry(self._origin):
                pooled = self._pool.connect()
            _set(self, "_pooled", pooled)
            # Not `__del__`: this keeps the pooled connection out of the garbage that is collected.
            watch = finalize(self, _bring_back, pooled, self._line, self._origin)
            watch.atexit = False
            _set(self, "_watch", watch)
        return pooled

    def __bool__(self) -> bool:
        return self._pooled is not None

    @property
    def is_valid(self) -> bool:
        return (self._pooled is None or self._pooled.is_valid) and not self._line.dead

    @property
    def dbapi_connection(self) -> BridgedObject | None:
        """The driver's connection, bridged as well; None after `close()`."""
        connection = self._line.call(self.take).dbapi_connection
        return None if connection is None else BridgedObject(connection, self._line, self._habits)

    def cursor(self, *args: Any, **kwargs: Any) -> BridgedCursor:
        return BridgedCursor(lambda: self.take().cursor(*args, **kwargs), self._line, self._habits)

    def __getattr__(self, name: str) -> Any:
        if self._pooled is None:
            if name in _NOTHING_TAKEN:
                return _NOTHING_TAKEN[name]
            self._line.call(self.take)
        elif self._line.dead and name in _CLOSING:
            return partial(_abandon, self._pooled)
        elif name == _RETURN:
            return self._give_back
        return _bridged_attribute(self._pooled, name, self._line)

    def __setattr__(self, name: str, value: Any) -> None:
        self._line.call(lambda: setattr(self.take(), name, value))

    def _give_back(self, *, transaction_reset: bool = False) -> None:
        """To the pool; after a commit or rollback that takes no I/O, and nothing to wait for."""
        give_back = partial(getattr(self._pooled, _RETURN), transaction_reset=transaction_reset)
        if transaction_reset:
            self._watch.detach()
            self._line.send(give_back)
        else:
            self._line.call(give_back)


def _bring_back(pooled: PoolProxiedConnection, line: Line, origin: Location) -> None:
    """After a connection was dropped without `close()`: close it, on its loop.

    Left to the pool's own finaliser it could only be terminated.
    """
    if not pooled.is_valid or pooled.is_detached or line.dead:
        return
    report_dropped(origin)
    try:
        line.loop.call_soon_threadsafe(_close_on_loop, pooled)
    except RuntimeError:
        logger.debug("the loop closed before a dropped connection was returned")


class BridgedObject:
    """Any other object of the driver: attributes pass through, calls run on the loop."""

    __slots__ = ("_habits", "_line", "_target")

    def __init__(self, target: Any, line: Line, habits: Habits | None = None) -> None:
        _set(self, "_target", target)
        _set(self, "_line", line)
        _set(self, "_habits", habits)

    def cursor(self, *args: Any, **kwargs: Any) -> BridgedCursor:
        make = partial(self._target.cursor, *args, **kwargs)
        return BridgedCursor(make, self._line, self._habits)

    def __getattr__(self, name: str) -> Any:
        return _bridged_attribute(self._target, name, self._line)

    def __setattr__(self, name: str, value: Any) -> None:
        self._line.call(setattr, self._target, name, value)


class BridgedCursor:
    """A DBAPI cursor whose creation travels with its first statement: one hop for both.

    :param habits: how statements are executed, if not as the driver does it.
    """

    __slots__ = ("_before", "_compiled", "_habits", "_line", "_make", "_real")

    def __init__(self, make: Callable[[], Any], line: Line, habits: Habits | None = None) -> None:
        _set(self, "_make", make)
        _set(self, "_line", line)
        _set(self, "_habits", habits)
        _set(self, "_compiled", False)
        _set(self, "_real", None)
        _set(self, "_before", [])

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        return self._line.call(self._run, "execute", args, kwargs)

    def executemany(self, *args: Any, **kwargs: Any) -> Any:
        return self._line.call(self._run, "executemany", args, kwargs)

    def executes_compiled(self) -> None:
        """Its next statement was compiled by SQLAlchemy, not written by hand."""
        _set(self, "_compiled", True)

    def copy_expert(self, sql: str, file: Any, *_: Any) -> None:
        """As psycopg2's; with its habits only."""
        if self._habits is None:
            raise AttributeError("copy_expert: see create_async_engine(compatible_with=...)")
        self._line.call(lambda: self._habits.copy(self._real or self._create(), sql, file))

    def setinputsizes(self, *args: Any, **kwargs: Any) -> None:
        self._later("setinputsizes", args, kwargs)

    def fetchone(self) -> Any:
        return self._fetch("fetchone")

    def fetchmany(self, *args: Any, **kwargs: Any) -> Any:
        return self._fetch("fetchmany", *args, **kwargs)

    def fetchall(self) -> Any:
        return self._fetch("fetchall")

    def close(self) -> None:
        real = self._real
        if real is None:
            return
        # Most drivers only drop their buffer of rows here; the others talk to the server.
        if _is_server_side(real) or getattr(real, "_awaitable_cursor_close", False):
            self._line.call(real.close)
        else:
            real.close()

    def __iter__(self) -> Iterator[Any]:
        while (row := self.fetchone()) is not None:
            yield row

    def __enter__(self) -> BridgedCursor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:
        if self._real is None:
            if name in _BEFORE_EXECUTION:
                return _BEFORE_EXECUTION[name]
            self._line.call(self._create)
        return _bridged_attribute(self._real, name, self._line)

    def __setattr__(self, name: str, value: Any) -> None:
        self._later("__setattr__", (name, value), {})

    def _later(self, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Call a method of the real cursor: now, or as soon as there is one."""
        if self._real is None:
            self._before.append((method, args, kwargs))
        else:
            self._line.call(getattr(self._real, method), *args, **kwargs)

    def _create(self) -> Any:
        real = self._make()
        for method, args, kwargs in self._before:
            getattr(real, method)(*args, **kwargs)
        _set(self, "_real", real)
        return real

    def _run(self, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        real = self._create() if self._real is None else self._real
        if self._habits is None:
            return getattr(real, method)(*args, **kwargs)
        return getattr(self._habits, method)(real, not self._compiled, *args, **kwargs)

    def _fetch(self, method: str, *args: Any, **kwargs: Any) -> Any:
        fetch = getattr(self._real if self._real is not None else self._create(), method)
        if _is_server_side(self._real):
            return self._line.call(fetch, *args, **kwargs)
        return fetch(*args, **kwargs)  # the rows are here already


_set = object.__setattr__
_RETURN = "_close_special"  # how SQLAlchemy's `Connection` closes after it ended its transaction
_CLOSING = frozenset({"close", _RETURN, "invalidate", "rollback"})
_BEFORE_EXECUTION = {"description": None, "lastrowid": None, "rowcount": -1}


def _bridged_attribute(target: Any, name: str, line: Line) -> Any:
    value = getattr(target, name)
    return partial(line.call, value) if callable(value) else value


def _is_server_side(cursor: Any) -> bool:
    """Whether fetching its rows is I/O."""
    known = getattr(cursor, "server_side", None)
    if known is None:  # psycopg under SQLAlchemy 2.0: the server's cursors have a name
        return getattr(cursor, "name", None) is not None
    return bool(known)


def _do_nothing(*_: Any, **__: Any) -> None:
    """Commit, roll back or close a connection that was not taken."""


_NOTHING_TAKEN = dict.fromkeys(("commit", *_CLOSING), _do_nothing) | {"_connection_record": None}


def _abandon(pooled: PoolProxiedConnection, *_: Any, **__: Any) -> None:
    """Close a connection that died with its event loop: without I/O, it is gone."""
    if pooled.is_valid and not pooled.is_detached:
        pooled.detach()


def _close_on_loop(pooled: PoolProxiedConnection) -> None:
    task = asyncio.ensure_future(run_awaiting(pooled.close))
    _closing.add(task)
    task.add_done_callback(_closing.discard)
