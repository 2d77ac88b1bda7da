"""The way from any thread to the event loop of one connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from migrate_async.runtime.legacy.bridge import call_on_loop, send_to_loop
from migrate_async.runtime.legacy.loop import home_loop, process_loop
from migrate_async.runtime.legacy.modes import may_block_the_loop
from migrate_async.runtime.running import in_greenlet, running_loop
from migrate_async.runtime.tracking import current_scope

T = TypeVar("T")


class Line:
    """Calls functions on the loop of a connection.

    :param tied: whether the driver's connections work on the loop that opened them only.
    """

    __slots__ = ("_loop", "_tied")

    def __init__(self, loop: asyncio.AbstractEventLoop, *, tied: bool) -> None:
        self._loop = loop
        self._tied = tied

    @property
    def dead(self) -> bool:
        """Whether the connection died with its loop."""
        return self._tied and self._loop.is_closed()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop to use now."""
        if not self._tied and self._loop.is_closed():
            self._loop = nearest_loop()
        return self._loop

    def call(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        """`function(*args, **kwargs)` in a greenlet on the loop; waits for the result."""
        if not self._tied and in_greenlet():
            return function(*args, **kwargs)
        return call_on_loop(self.loop, function, *args, **kwargs)

    def send(self, function: Callable[[], object]) -> None:
        """Call `function()` on the loop without waiting, where nobody can tell the difference.

        That is in a worker thread of a request: its result reaches the loop after this call.
        """
        scope = current_scope()
        if scope is None or scope.loop is not self._loop or running_loop() is not None:
            self.call(function)
        else:
            send_to_loop(self._loop, function)


def nearest_loop() -> asyncio.AbstractEventLoop:
    """The loop on which code that runs here should open a connection."""
    running = running_loop()
    if running is not None:
        return running
    if may_block_the_loop():
        return process_loop()
    scope = current_scope()
    if scope is not None and scope.loop is not None and not scope.loop.is_closed():
        return scope.loop
    return home_loop()
