"""Where a call is made: on an event loop, in a greenlet that may await, or in a plain thread."""

from __future__ import annotations

import asyncio
import sys

from greenlet import getcurrent


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop of the calling thread, when it runs one."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def loop_behind() -> asyncio.AbstractEventLoop | None:
    """The event loop of this thread, or the one that a worker thread of AnyIO works for.

    FastAPI runs plain functions in such threads.
    """
    loop = running_loop()
    if loop is not None:
        return loop
    if "anyio" not in sys.modules:
        return None
    from anyio import from_thread  # noqa: PLC0415  # it is the framework's

    try:
        return from_thread.run_sync(asyncio.get_running_loop)
    except RuntimeError:  # it is no such thread, or its loop is not asyncio's
        return None


def in_greenlet() -> bool:
    """Whether a synchronous database call made here can await."""
    # The mark that SQLAlchemy's own `await_only` looks for.
    return bool(getattr(getcurrent(), "__sqlalchemy_greenlet_provider__", False))
