"""Who takes a coroutine, and who takes a function that must not be one."""

from __future__ import annotations

from migrate_async.knowledge.runtime import AWAITABLE_CACHED_PROPERTY

AWAITING = frozenset(
    {
        "Task",
        "as_completed",
        "await_",
        "await_fallback",
        "await_only",
        "close",
        "create_task",
        "ensure_future",
        "gather",
        "isawaitable",
        "iscoroutine",
        "run",
        "run_async",
        "run_coroutine_threadsafe",
        "run_until_complete",
        "shield",
        "start_soon",
        "syncify",
        "timeout",
        "wait",
        "wait_for",
    }
)
"""Callables, by the last part of their name, that see to a coroutine that they are given."""

COLLECTING = frozenset({"add", "append", "appendleft", "extend", "insert", "put_nowait"})
"""Methods that put what they are given into the object that they belong to."""

THREADED = frozenset({"run_in_executor", "run_in_threadpool", "run_sync", "submit", "to_thread"})
"""Callables that run a plain function elsewhere; a coroutine function gives them a coroutine."""

SORTED_BY = frozenset({"filter", "max", "min", "reduce", "sort", "sorted"})
"""Callables that call the function that they are given and use what it returns."""

KEEPS_COLOUR = frozenset(
    {
        "abstractmethod",
        AWAITABLE_CACHED_PROPERTY,
        "cached_property",
        "classmethod",
        "deprecated",
        "final",
        "implicit_io",
        "inject",
        "lazy_response",
        "no_type_check",
        "overload",
        "override",
        "property",
        "retry",
        "staticmethod",
        "typechecked",
        "wraps",
    }
)
"""Decorators after which an `async def` is still called with `await`."""
