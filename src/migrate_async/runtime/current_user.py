"""Who is acting: a context variable that a dependency sets and `UserTrackingMixin` reads.

::

    app = FastAPI(dependencies=[Depends(track_user(get_current_user_id))])

Scripts and jobs::

    with acting_as("nightly-import"):
        ...
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from migrate_async.runtime.errors import MissingDependencyError

_current_user: ContextVar[Any] = ContextVar("migrate_async_current_user", default=None)


def current_user_id() -> Any:
    """Return the key of the user on whose behalf the code runs, or None."""
    return _current_user.get()


def set_current_user(user_id: Any) -> None:
    """Set the user for the rest of the current context: the request or the task."""
    _current_user.set(user_id)


@contextmanager
def acting_as(user_id: Any) -> Iterator[None]:
    """Set the user for the body of a `with` statement. Flush inside it: that is when it is read."""
    before = _current_user.get()
    _current_user.set(user_id)
    try:
        yield
    finally:
        # Not `ContextVar.reset`: a generator may be closed in another context than it began in.
        _current_user.set(before)


def track_user(get_user_id: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    """Return a dependency which makes the result of `get_user_id` the current user.

    `get_user_id` is a dependency of the application: sync or async, returning the key of the user
    (not the user object: it is written into a column) or None.

    The value is not reset at the end, on purpose: the request's changes may be flushed by the
    commit, which can come after the clean-up of other dependencies. A server runs each request in
    a context of its own, so nothing leaks from one to the next.

    :raises MissingDependencyError: FastAPI is not installed.
    """
    try:
        from fastapi import Depends  # noqa: PLC0415  an extra
    except ImportError as error:
        raise MissingDependencyError("fastapi", "fastapi") from error

    dependency = Depends(get_user_id)

    # Async, although it awaits nothing: a sync dependency runs in a copy of the context.
    async def remember_user(user_id: Any = dependency) -> Any:
        set_current_user(user_id)
        return user_id

    return remember_user
