"""One pool of connections per event loop, because most drivers tie a connection to its loop.

The engine's own pool belongs to the loop that serves the application, and is shared with its
async code. The loop thread of the process (scripts, start-up code, the main thread of a test
suite) has a pool of its own with the same settings. When a loop is gone, as after each test
client, its pool is replaced by an empty one.
"""

from __future__ import annotations

import asyncio
from typing import Any
from weakref import ReferenceType, WeakKeyDictionary, ref

from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.pool import Pool, QueuePool

from migrate_async.runtime.legacy.bridge import run_legacy
from migrate_async.runtime.legacy.loop import is_process_loop
from migrate_async.runtime.running import running_loop

Loop = asyncio.AbstractEventLoop

_FREE_OF_LOOPS = frozenset({"aiosqlite"})
"""Drivers whose connections work on any loop."""


class LoopPools:
    """The pools of one async engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._owner: ReferenceType[Loop] | None = None
        self._others: WeakKeyDictionary[Loop, Pool] = WeakKeyDictionary()
        self.tied = engine.dialect.driver not in _FREE_OF_LOOPS
        if self.tied:
            event.listen(engine, "connect", self._note_owner)

    def pool_for(self, loop: Loop) -> Pool:
        """The pool whose connections work on `loop`."""
        if not self.tied:
            return self._engine.pool
        self.adopt(loop)
        if self._owner is not None and self._owner() is loop:
            return self._engine.pool
        pool = self._others.get(loop)
        if pool is None:
            pool = self._others[loop] = self._engine.pool.recreate()
        return pool

    def adopt(self, loop: Loop) -> None:
        """Give the engine's own pool to `loop` if nobody has it, or its owner is gone."""
        if not self.tied or is_process_loop(loop):
            return
        owner = None if self._owner is None else self._owner()
        if owner is loop or (owner is not None and not owner.is_closed()):
            return
        if self._owner is not None:
            self._engine.dispose(close=False)  # its connections died with their loop
        elif _in_use(self._engine.pool):
            return  # opened before this object watched: whose connections they are is unknown
        self._owner = ref(loop)

    async def release(self, loop: Loop) -> None:
        """Close the idle connections of a loop that is about to end, on that loop."""
        if not self.tied:
            return
        other = self._others.pop(loop, None)
        if other is not None:
            await run_legacy(other.dispose)
        elif self._owner is not None and self._owner() is loop:
            await run_legacy(self._engine.dispose)
            self._owner = None

    def others(self) -> list[tuple[Loop, Pool]]:
        """The pools beside the engine's own."""
        return list(self._others.items())

    def _note_owner(self, *_: Any) -> None:
        """Async code of the application may be the first to connect."""
        loop = running_loop()
        if self._owner is None and loop is not None and not is_process_loop(loop):
            self._owner = ref(loop)


def _in_use(pool: Pool) -> bool:
    return isinstance(pool, QueuePool) and pool.checkedin() + pool.checkedout() > 0
