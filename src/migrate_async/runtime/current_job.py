"""The job of RQ that runs, for the greenlet of a coroutine that awaits implicitly.

`rq.get_current_job()` looks it up by the greenlet, where there are greenlets: in another one than
that of the worker there is none.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def current_job() -> Any:
    """The job that runs in this greenlet; None if RQ is not at work."""
    stack = _stack()
    return stack.top if stack is not None else None


@contextmanager
def running(job: Any) -> Iterator[None]:
    """Have `job` be the current one of this greenlet, too."""
    stack = _stack() if job is not None else None
    if stack is None or stack.top is job:
        yield
        return
    stack.push(job)
    try:
        yield
    finally:
        stack.pop()


def _stack() -> Any:
    return getattr(sys.modules.get("rq.job"), "_job_stack", None)
