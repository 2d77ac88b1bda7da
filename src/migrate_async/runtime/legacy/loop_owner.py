"""Whose loop the connections in an engine's own pool belong to.

Most drivers tie a connection to the loop that opened it. `create_async_engine` has this noted from
the first connection on, whoever opens it; for an engine made elsewhere it is noted from the moment
when the shim learns of the engine.
"""

from __future__ import annotations

import asyncio
from typing import Any
from weakref import ReferenceType, ref

from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.pool import Pool, QueuePool

from migrate_async.runtime.running import running_loop

Loop = asyncio.AbstractEventLoop

_FREE_OF_LOOPS = frozenset({"aiosqlite"})
"""Drivers whose connections work on any loop."""
_ATTRIBUTE = "_migrate_async_loop_owner"  # on the engine: it lives as long as that does


class LoopOwner:
    """Notes the loop of an engine's connections.

    :ivar tied: whether the driver's connections work on the loop that opened them only.
    :ivar missed: whether some were opened before anybody looked.
    """

    def __init__(self, engine: Engine) -> None:
        self._loop: ReferenceType[Loop] | None = None
        self.tied = engine.dialect.driver not in _FREE_OF_LOOPS
        self.missed = self.tied and in_use(engine.pool)
        if self.tied:
            event.listen(engine, "connect", self._note)

    @property
    def known(self) -> bool:
        """Whether there has been an owner; its loop may be gone."""
        return self._loop is not None

    @property
    def loop(self) -> Loop | None:
        """The owner, as long as its loop is not closed."""
        loop = None if self._loop is None else self._loop()
        return None if loop is None or loop.is_closed() else loop

    def take(self, loop: Loop | None) -> None:
        """Make this loop the owner, or nobody."""
        self._loop = None if loop is None else ref(loop)
        self.missed = False

    def _note(self, *_: Any) -> None:
        loop = running_loop()
        if self._loop is None and loop is not None:
            self._loop = ref(loop)


def loop_owner(engine: Engine) -> LoopOwner:
    """The one of this engine, made at the first call."""
    owner: LoopOwner | None = vars(engine).get(_ATTRIBUTE)
    if owner is None:
        owner = LoopOwner(engine)
        setattr(engine, _ATTRIBUTE, owner)
    return owner


def in_use(pool: Pool) -> bool:
    """Whether a pool has connections, idle or not."""
    return isinstance(pool, QueuePool) and pool.checkedin() + pool.checkedout() > 0
