"""One pool of connections per event loop, because most drivers tie a connection to its loop.

The engine's own pool belongs to the loop that serves the application, and is shared with its
async code. The loop thread of the process (scripts, start-up code, the main thread of a test
suite) has a pool of its own with the same settings. When a loop is gone, as after each test
client, its pool is replaced by an empty one.
"""

from __future__ import annotations

import warnings
from weakref import WeakKeyDictionary

from sqlalchemy.engine import Engine
from sqlalchemy.pool import Pool

from migrate_async.runtime.legacy.bridge import run_awaiting, send_to_loop
from migrate_async.runtime.legacy.loop import is_process_loop
from migrate_async.runtime.legacy.loop_owner import Loop, in_use, loop_owner


class SecondPoolWarning(RuntimeWarning):
    """The shim cannot share the pool of an engine; together they may open twice its connections."""


class LoopPools:
    """The pools of one async engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._owner = loop_owner(engine)
        self._others: WeakKeyDictionary[Loop, Pool] = WeakKeyDictionary()
        self.tied = self._owner.tied

    def pool_for(self, loop: Loop) -> Pool:
        """The pool whose connections work on `loop`."""
        if not self.tied:
            return self._engine.pool
        self.adopt(loop)
        if self._owner.loop is loop and not is_process_loop(loop):
            return self._engine.pool
        pool = self._others.get(loop)
        if pool is None:
            if self._owner.missed and not is_process_loop(loop):
                self._warn_of_second()
            pool = self._others[loop] = self._engine.pool.recreate()
        return pool

    def adopt(self, loop: Loop) -> None:
        """Give the engine's own pool to `loop` if nobody has it, or its owner is gone."""
        if not self.tied or is_process_loop(loop):
            return
        owner = self._owner.loop
        if owner is loop or (owner is None and self._owner.missed and in_use(self._engine.pool)):
            return
        if owner is None:
            if self._owner.known:
                self._engine.dispose(close=False)  # its connections died with their loop
        elif not is_process_loop(owner) or not self._vacate(owner):
            return
        self._owner.take(loop)

    def _vacate(self, owner: Loop) -> bool:
        """Empty the pool of what a script opened, such as start-up code in `run_async`."""
        pool = self._engine.pool
        if getattr(pool, "checkedout", int)():
            return False
        self._engine.dispose(close=False)
        send_to_loop(owner, pool.dispose)
        return True

    def _warn_of_second(self) -> None:
        warnings.warn(
            f"connections of {self._engine!r} were opened before the shim knew of the engine: its "
            "sync code gets a second pool. Make the engine with migrate_async.create_async_engine, "
            "or call legacy_engine(engine) where it is made.",
            SecondPoolWarning,
            stacklevel=2,
        )

    async def release(self, loop: Loop) -> None:
        """Close the idle connections of a loop that is about to end, on that loop."""
        if not self.tied:
            return
        other = self._others.pop(loop, None)
        if other is not None:
            await run_awaiting(other.dispose)
        elif self._owner.loop is loop:
            await run_awaiting(self._engine.dispose)
            self._owner.take(None)

    def others(self) -> list[tuple[Loop, Pool]]:
        """The pools beside the engine's own."""
        return list(self._others.items())
