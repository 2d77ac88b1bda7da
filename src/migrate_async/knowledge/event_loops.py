"""Calls that run a coroutine to its end and give its result, in a thread without an event loop.

Where a loop runs, they raise `RuntimeError`, or wait for the loop that they hold up. Names are
canonical dotted paths.
"""

from __future__ import annotations

RUN = "asyncio.run"

RUNNERS = frozenset(
    {
        RUN,
        "asyncio.runners.run",
        "anyio.run",
        "anyio.from_thread.run",
        "anyio.from_thread.run_sync",
        "trio.run",
        "uvloop.run",
    }
)
"""Functions."""

SERVERS = frozenset({"uvicorn.run", "uvicorn.main.run", "aiohttp.web.run_app"})
"""Functions that run a loop until the program ends, in its first thread: signals end them."""

METHODS = frozenset({("asyncio.Runner", "run"), ("asyncio.runners.Runner", "run")})
"""Classes and their methods."""

WRAPPERS = frozenset({"asgiref.sync.async_to_sync", "asgiref.sync.AsyncToSync"})
"""What makes a function that does so."""

NEW_LOOPS = frozenset(
    {"asyncio.new_event_loop", "asyncio.events.new_event_loop", "uvloop.new_event_loop"}
)
"""Functions that make an event loop."""

LOOPS = NEW_LOOPS | {"asyncio.get_event_loop", "asyncio.events.get_event_loop"}
"""Functions that give one."""

RUN_LOOP = "run_until_complete"
"""The method of a loop."""

WAITING = {"asyncio.run_coroutine_threadsafe": frozenset({"exception", "result"})}
"""Functions, and the methods of what they give that wait for a loop in another thread."""

SCHEDULED = frozenset({"create_task", "ensure_future"})
"""What gives a task, which belongs to a loop already."""
