"""The connection of a session that is used in a worker thread; see `runtime.hop`."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

from migrate_async.runtime.on_loop import run_on_loop

_IO_METHODS = (
    "begin",
    "begin_nested",
    "close",
    "commit",
    "exec_driver_sql",
    "execute",
    "invalidate",
    "rollback",
    "scalar",
    "scalars",
    # What the transactions call that `begin()` and `begin_nested()` give.
    "_commit_impl",
    "_release_savepoint_impl",
    "_rollback_impl",
    "_rollback_to_savepoint_impl",
)


class HopConnection(Connection):
    """A `Connection` whose I/O runs on an event loop when a worker thread asks for it."""

    _hop_loop: asyncio.AbstractEventLoop


def hopping(connection: Connection, loop: asyncio.AbstractEventLoop) -> HopConnection:
    """`connection` itself, from now on one that worker threads can use.

    It stays what the session and its transaction work with. Its class stays a base of its new one.
    """
    if not isinstance(connection, HopConnection):
        connection.__class__ = HopConnection
    assert isinstance(connection, HopConnection)  # noqa: S101  it is one now
    connection._hop_loop = loop
    return connection


def _hopping(name: str) -> Callable[..., Any]:
    method = getattr(Connection, name)

    @functools.wraps(method)
    def call(self: HopConnection, *args: Any, **options: Any) -> Any:
        return run_on_loop(self._hop_loop, method, self, *args, **options)

    return call


for _name in _IO_METHODS:
    setattr(HopConnection, _name, _hopping(_name))
