"""The engine of a session that is used in a worker thread; see `runtime.hop`."""

from __future__ import annotations

import asyncio
import copy

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.pool import PoolProxiedConnection

from migrate_async.runtime.hop_connection import hopping
from migrate_async.runtime.on_loop import is_plain_thread, run_on_loop


class HopEngine(Engine):
    """An `Engine`, as other libraries take one, whose connections worker threads can use."""

    _hop_loop: asyncio.AbstractEventLoop

    def connect(self) -> Connection:
        return hopping(run_on_loop(self._hop_loop, super().connect), self._hop_loop)

    def raw_connection(self) -> PoolProxiedConnection:
        """Raises `InvalidRequestError` in a thread: it could be used on the event loop only."""
        if not is_plain_thread():
            return super().raw_connection()
        raise InvalidRequestError(
            "the driver of an async engine has no connection for threads: take one of a sync engine"
        )


def hopping_engine(engine: Engine, loop: asyncio.AbstractEventLoop) -> HopEngine:
    """An engine on the pool of `engine`, which stays as it is, for threads beside `loop`."""
    found = copy.copy(engine)
    found.__class__ = HopEngine
    assert isinstance(found, HopEngine)  # noqa: S101  it is one now
    found._hop_loop = loop
    return found
