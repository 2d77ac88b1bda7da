"""Where a call is made: on an event loop, in a greenlet that may await, or in a plain thread."""

from __future__ import annotations

import asyncio

from greenlet import getcurrent


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop of the calling thread, when it runs one."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def in_greenlet() -> bool:
    """Whether a synchronous database call made here can await."""
    # The mark that SQLAlchemy's own `await_only` looks for.
    return bool(getattr(getcurrent(), "__sqlalchemy_greenlet_provider__", False))
