"""A sync `Engine` over the pool and driver of an async engine, for any thread.

It is SQLAlchemy's ordinary `Engine`, `Connection` and `Session` machinery; only the DBAPI
connection underneath is a stand-in, whose calls run in a greenlet on the event loop:

* called inside a greenlet of the bridge, they simply await;
* called in a thread, they hop to the event loop and the thread waits;
* called on an event loop outside a greenlet, they raise `BlockingCallOnLoop`.

A connection stays on the loop that opened it, whichever thread or loop uses it.

So one pool of connections serves async and sync code, the event loop is never blocked, and every
pool operation happens on the loop. One hop per DBAPI call, not per await.
"""

from __future__ import annotations

import asyncio
import logging
from functools import cached_property
from typing import Any
from weakref import WeakSet

from sqlalchemy.engine import Engine
from sqlalchemy.engine.base import OptionEngine
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import PoolProxiedConnection

from migrate_async.runtime.engine import compatible_with
from migrate_async.runtime.frames import app_location
from migrate_async.runtime.legacy.bridge import call_on_loop
from migrate_async.runtime.legacy.connection import BridgedConnection
from migrate_async.runtime.legacy.habits.contract import Habits
from migrate_async.runtime.legacy.habits.install import install_habits
from migrate_async.runtime.legacy.line import Line, nearest_loop
from migrate_async.runtime.legacy.loop import before_stop
from migrate_async.runtime.legacy.loop_pools import LoopPools
from migrate_async.runtime.legacy.sqlite import SKIP_BEGIN, begin_lazily

logger = logging.getLogger(__name__)
_engines: WeakSet[BridgedEngine] = WeakSet()
_ATTRIBUTE = "_migrate_async_bridged"  # on the async engine's own: it lives as long as that does


def bridged_engines() -> list[BridgedEngine]:
    """All that are in use."""
    return list(_engines)


async def release_loop() -> None:
    """Close what the engines keep open on the running loop, which is about to end."""
    loop = asyncio.get_running_loop()
    for engine in bridged_engines():
        try:
            await engine.pools.release(loop)
        except Exception:  # noqa: PERF203  the next pool is to be closed all the same
            logger.exception("could not close the pool of %r", engine)


before_stop(release_loop)


def bridged_engine(engine: AsyncEngine) -> BridgedEngine:
    """The sync face of an async engine; always the same object for the same engine."""
    sync_engine = engine.sync_engine
    bridged: BridgedEngine | None = vars(sync_engine).get(_ATTRIBUTE)
    if bridged is None:
        bridged = _make_bridged(sync_engine)
        setattr(sync_engine, _ATTRIBUTE, bridged)
        _engines.add(bridged)
    return bridged


def _make_bridged(engine: Engine) -> BridgedEngine:
    if engine.dialect.name != "sqlite":
        bridged = BridgedEngine(engine, {})
        if compatible_with(engine) is not None:
            bridged.habits = install_habits(bridged)
        return bridged
    bridged = BridgedEngine(engine, SKIP_BEGIN)
    begin_lazily(bridged)
    return bridged


class BridgedEngine(OptionEngine):
    """See the module. Engine events of the async engine fire for its connections too.

    :param parent: the engine of which this is another face.
    :param options: execution options.
    :param lazy: whether a connection is taken from the pool with its first statement only.
    """

    pools: LoopPools
    habits: Habits | None = None

    def __init__(self, parent: Engine, options: dict[str, Any], *, lazy: bool = False) -> None:
        super().__init__(parent, options)
        self.pools = parent.pools if isinstance(parent, BridgedEngine) else LoopPools(parent)
        self._lazy = lazy

    @cached_property
    def for_sessions(self) -> BridgedEngine:
        """The same engine for sessions: taking the connection costs no hop of its own.

        `connect()` should fail at once when the database is down; a session need not. On SQLite
        the connection is looked at when a transaction begins, so nothing is gained there.
        """
        engine = BridgedEngine(self, {}, lazy=self.dialect.name != "sqlite")
        engine.habits = self.habits
        return engine

    def raw_connection(self) -> PoolProxiedConnection:
        """A connection out of the pool of the right loop."""
        loop = nearest_loop()
        line = Line(loop, tied=self.pools.tied)
        pool = self.pools.pool_for(loop)
        connection = BridgedConnection(pool, line, app_location(), self.habits)
        if not self._lazy:
            line.call(connection.take)
        return connection  # type: ignore[return-value]

    def dispose(self, close: bool = True) -> None:
        """Close the pool shared with the async engine, and those of other loops."""
        call_on_loop(nearest_loop(), super().dispose, close)
        for loop, pool in self.pools.others():
            if not loop.is_closed():
                call_on_loop(loop, pool.dispose)
