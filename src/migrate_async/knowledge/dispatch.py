"""What runs a function elsewhere or later: threads, processes, background tasks, task queues."""

from __future__ import annotations

THREADS = frozenset(
    {
        *("threading.Thread", "threading.Timer", "_thread.start_new_thread"),
        *("eventlet.spawn", "gevent.spawn", "greenlet.greenlet"),
    }
)
"""Constructors whose `target` and `args` run in a thread of their own."""

PROCESSES = frozenset(
    {"multiprocessing.Process", "billiard.Process", "multiprocessing.context.Process"}
)

SUBMITS = frozenset({"submit", "run_in_executor", "apply_async", "map_async", "starmap_async"})
"""Methods of executors, pools and loops that run their first function elsewhere."""

BACKGROUND = frozenset({"add_task"})
"""Methods of `BackgroundTasks`."""

BACKGROUND_CLASSES = frozenset({"BackgroundTask"})

QUEUES = frozenset({"delay", "apply_async", "send_task", "enqueue", "send", "send_with_options"})
"""Methods of tasks and queues whose arguments are sent to a worker process."""

SCHEDULES = frozenset({"create_task", "ensure_future", "call_soon_threadsafe", "add_job"})
"""Functions that run a coroutine or a function beside the code that calls them."""

WAITS = frozenset({"join", "result", "wait", "as_completed", "gather", "shutdown"})
"""Last names of calls that wait for what runs elsewhere."""

CALLABLES = frozenset({"typing.Callable", "collections.abc.Callable"})
"""Annotations of functions that do not say which."""

_ITERATING = (
    *("all", "any", "dict", "enumerate", "frozenset", "iter", "list", "max", "min", "reversed"),
    *("set", "sorted", "sum", "tuple"),
)
SPECIAL_METHODS = {
    "bool": ("__bool__", "__len__"),
    "len": ("__len__",),
    "next": ("__next__",),
    "repr": ("__repr__",),
    "str": ("__str__", "__repr__"),
    **dict.fromkeys(_ITERATING, ("__iter__",)),
}
"""Built-in functions by the special methods of their first argument that they run."""
