"""A connection pool which serves its waiters in the order they came.

SQLAlchemy's `AsyncAdaptedQueuePool` lets a newcomer take a connection that was returned while
others still wait, which makes the slowest percent of requests several times slower than
necessary. Here a returned connection is handed to the longest waiter, never to the shelf.

The queue is safe to use from threads: a connection may be returned from another thread than
the one whose event loop waits for it.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from dataclasses import dataclass
from time import monotonic
from typing import Any

from sqlalchemy import exc
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry, Pool, QueuePool
from sqlalchemy.util import await_only
from sqlalchemy.util.queue import Empty, Full, QueueCommon

from migrate_async.runtime.running import running_loop


class _Waiter:
    """One task in the line; resolved with a connection, or with None to give up."""

    __slots__ = ("future", "loop")

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[ConnectionPoolEntry | None] = self.loop.create_future()

    def resolve(self, item: ConnectionPoolEntry | None) -> bool:
        """Wake the task up; False when it left the line in the meantime."""
        if self.future.done():
            return False
        self.future.set_result(item)
        return True


class FairQueue(QueueCommon[ConnectionPoolEntry]):
    """First come, first served hand-off, with the interface `QueuePool` expects of a queue.

    Invariant: a connection lies on the shelf only while nobody waits for one.
    """

    def __init__(self, maxsize: int = 0, use_lifo: bool = False) -> None:
        self.maxsize = maxsize
        self.use_lifo = use_lifo
        self._shelf: deque[ConnectionPoolEntry] = deque()
        self._line: deque[_Waiter] = deque()
        self._lock = threading.Lock()

    def empty(self) -> bool:
        return not self._shelf

    def full(self) -> bool:
        return 0 < self.maxsize <= len(self._shelf)

    def qsize(self) -> int:
        return len(self._shelf)

    def waiting(self) -> int:
        """How many tasks wait for a connection."""
        with self._lock:
            return sum(not waiter.future.done() for waiter in self._line)

    def put_nowait(self, item: ConnectionPoolEntry) -> None:
        """Hand the connection to the longest waiter, or shelve it.

        :raises sqlalchemy.util.queue.Full: nobody waits and the shelf is full.
        """
        with self._lock:
            waiter = self._pop_waiter()
            if waiter is None:
                if self.full():
                    raise Full
                self._shelf.append(item)
                return
        self._wake(waiter, item)

    def put(
        self,
        item: ConnectionPoolEntry,
        block: bool = True,  # noqa: ARG002  never blocks: the shelf holds every connection
        timeout: float | None = None,  # noqa: ARG002
    ) -> None:
        self.put_nowait(item)

    def get_nowait(self) -> ConnectionPoolEntry:
        with self._lock:
            return self._take()

    def get(self, block: bool = True, timeout: float | None = None) -> ConnectionPoolEntry:
        """Take a connection; wait in line for it when `block`, at most `timeout` seconds.

        :raises sqlalchemy.util.queue.Empty: there is none, or none became free in time.
        """
        with self._lock:
            if self._shelf or not block:
                return self._take()
            waiter = _Waiter()
            self._line.append(waiter)
        return await_only(self._wait(waiter, timeout))

    def wake_one(self) -> None:
        """Let the longest waiter look again: a slot, though no connection, became free."""
        with self._lock:
            waiter = self._pop_waiter()
        if waiter is not None:
            self._wake(waiter, None)

    def _take(self) -> ConnectionPoolEntry:
        if not self._shelf:
            raise Empty
        return self._shelf.pop() if self.use_lifo else self._shelf.popleft()

    def _pop_waiter(self) -> _Waiter | None:
        while self._line:
            waiter = self._line.popleft()
            if not waiter.future.done():
                return waiter
        return None

    async def _wait(self, waiter: _Waiter, timeout: float | None) -> ConnectionPoolEntry:
        timer = None if timeout is None else waiter.loop.call_later(timeout, waiter.resolve, None)
        try:
            item = await waiter.future
        except asyncio.CancelledError:
            # `asyncio.wait_for` would drop a connection handed over in the very moment of the
            # cancellation: give it, or the chance to open one, to the next in line.
            if waiter.future.done() and not waiter.future.cancelled():
                self._deliver(waiter.future.result())
            raise
        finally:
            if timer is not None:
                timer.cancel()
        if item is None:
            raise Empty
        return item

    def _wake(self, waiter: _Waiter, item: ConnectionPoolEntry | None) -> None:
        if running_loop() is waiter.loop:
            self._hand_over(waiter, item)
            return
        try:
            waiter.loop.call_soon_threadsafe(self._hand_over, waiter, item)
        except RuntimeError:  # the waiter's loop was closed meanwhile
            self._deliver(item)

    def _hand_over(self, waiter: _Waiter, item: ConnectionPoolEntry | None) -> None:
        if not waiter.resolve(item):
            self._deliver(item)

    def _deliver(self, item: ConnectionPoolEntry | None) -> None:
        if item is None:
            self.wake_one()
        else:
            self.put_nowait(item)


class FairAsyncQueuePool(AsyncAdaptedQueuePool):
    """`AsyncAdaptedQueuePool` with a first come, first served line. Same arguments."""

    _queue_class = FairQueue
    _pool: FairQueue

    def waiting(self) -> int:
        """How many tasks wait for a connection."""
        return self._pool.waiting()

    def _do_get(self) -> ConnectionPoolEntry:
        deadline = monotonic() + self._timeout
        while True:
            try:
                return super()._do_get()
            except exc.TimeoutError:  # noqa: PERF203  waiting costs more than a `try`
                # Woken up for a free slot that a newcomer took first: back into the line.
                if monotonic() >= deadline:
                    raise

    def _dec_overflow(self) -> Any:
        # The stock pool forgets the waiters when opening a connection failed: with the
        # database down for a second they would sit out their whole timeout.
        result = super()._dec_overflow()
        self._pool.wake_one()
        return result


@dataclass(frozen=True)
class PoolState:
    """A moment in the life of a pool; all numbers are connections, `waiting` tasks."""

    kind: str
    size: int | None = None
    """How many connections are kept; None for a pool which keeps none, or just one."""
    checked_out: int | None = None
    idle: int | None = None
    overflow: int | None = None
    """How many of the connections are above `size`."""
    waiting: int | None = None


def pool_state(pool: Pool) -> PoolState:
    """The numbers of a pool, as far as it knows them."""
    kind = type(pool).__name__
    if not isinstance(pool, QueuePool):
        return PoolState(kind)
    return PoolState(
        kind,
        size=pool.size(),
        checked_out=pool.checkedout(),
        idle=pool.checkedin(),
        overflow=max(pool.overflow(), 0),
        waiting=pool.waiting() if isinstance(pool, FairAsyncQueuePool) else None,
    )
