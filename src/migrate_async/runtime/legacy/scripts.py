"""The doors between sync and async code for Celery tasks, scripts and commands."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from migrate_async.runtime.legacy.bridge import run_awaiting
from migrate_async.runtime.legacy.deprecation import deprecated
from migrate_async.runtime.legacy.loop import run_on_process_loop

T = TypeVar("T")


@deprecated("run_async()", "`await`, from an async entry point")
def run_async(coroutine: Coroutine[Any, Any, T], *, timeout: float | None = None) -> T:
    """Run a coroutine from sync code (a Celery task, a script, a command) and return its result.

    All calls of a process share one event loop in a background thread, so pooled connections
    survive from one call to the next.

    :param timeout: seconds to wait before the coroutine is cancelled; None waits for ever.
    :raises CalledOnEventLoop: called where `await` is possible.
    :raises TimeoutError: the time is up.
    """
    return run_on_process_loop(coroutine, timeout=timeout)


@deprecated("run_legacy()", "an async function")
def run_legacy(function: Callable[..., T], /, *args: Any, **kwargs: Any) -> Coroutine[Any, Any, T]:
    """Await a sync function, which may use sync sessions of the shim, in async code.

    It runs in a greenlet on this loop: database calls await, other blocking calls block.
    """
    return run_awaiting(function, *args, **kwargs)
