"""Calls from a worker thread that are made on the event loop, while the thread waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent import futures
from typing import Any, TypeVar, cast

from sqlalchemy import Result
from sqlalchemy.util.concurrency import greenlet_spawn

from migrate_async.runtime.legacy import bridge
from migrate_async.runtime.running import in_greenlet, running_loop

_T = TypeVar("_T")

_STALLED = (
    "an async test which calls a sync TestClient blocks it, and an object of the test's session "
    "that the application reads then waits for ever: await an AsyncTestClient, or let the "
    "application load objects of its own"
)


def run_on_loop(
    loop: asyncio.AbstractEventLoop | None,
    function: Callable[..., _T],
    *args: Any,
    **options: Any,
) -> _T:
    """Call `function` in a greenlet on `loop` and wait; call it here if this is no plain thread.

    Raises whatever `function` raises, and `LoopStalled` if the loop does not even begin with it.
    """
    if loop is None or not is_plain_thread():
        return function(*args, **options)
    begun: list[bool] = []

    async def call() -> Any:
        begun.append(True)
        return await greenlet_spawn(_fetched, function, *args, **options)

    pending = asyncio.run_coroutine_threadsafe(call(), loop)
    try:
        return cast("_T", pending.result(bridge.STALL_SECONDS))
    except futures.TimeoutError:
        if pending.done():
            raise
    if not begun and pending.cancel():
        raise bridge.LoopStalled(_STALLED)
    return cast("_T", pending.result())


def _fetched(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """What `function` gives; all rows of a result that would be fetched bit by bit."""
    found = function(*args, **options)
    size = getattr(found, "_yield_per", None)
    if not isinstance(found, Result) or not (size or _is_streamed(found)):
        return found
    fetched = found.freeze()()
    return fetched.yield_per(size) if size else fetched


def _is_streamed(result: Result[Any]) -> bool:
    """Whether a cursor of the server holds the rows."""
    context = getattr(getattr(result, "raw", result), "context", None)
    return bool(getattr(context, "_is_server_side", False))


def is_plain_thread() -> bool:
    """Whether code runs here that can neither await nor has a loop."""
    return not in_greenlet() and running_loop() is None
