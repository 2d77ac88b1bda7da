"""Routes of which FastAPI runs the whole handling in a greenlet, the making of the response too.

Sync database calls and lazy loads await there implicitly, as they do in the functions that are
given to `AsyncSession.run_sync()`.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from types import FunctionType
from typing import Any

from migrate_async.runtime.current_job import current_job, running
from migrate_async.runtime.legacy.bridge import drive
from migrate_async.runtime.running import in_greenlet
from migrate_async.runtime.turns import Turns

_MARK = "__migrate_async_driven__"
_hooked = False


def mark_driven(endpoint: Callable[..., Any]) -> None:
    """Have FastAPI handle the routes that `endpoint` serves in a greenlet, from now on."""
    setattr(endpoint, _MARK, True)
    _hook_routes()


async def driven(awaitable: Any) -> Any:
    """The result of `awaitable`, in which sync database calls await implicitly."""
    if in_greenlet():
        return await awaitable
    return await drive(Turns(_awaiting(awaitable, current_job())))


async def _awaiting(awaitable: Any, job: Any) -> Any:
    with running(job):
        return await awaitable


def with_globals_of(function: Callable[..., Any], wrapper: Callable[..., Any]) -> FunctionType:
    """`wrapper` among the names of the module of `function`.

    FastAPI looks there for what annotations name that are strings.
    """
    assert isinstance(wrapper, FunctionType)  # noqa: S101  a closure of the caller
    names = getattr(function, "__globals__", wrapper.__globals__)
    return FunctionType(
        wrapper.__code__, names, wrapper.__name__, wrapper.__defaults__, wrapper.__closure__
    )


def _hook_routes() -> None:
    global _hooked  # noqa: PLW0603
    if _hooked:
        return
    _hooked = True
    try:
        from fastapi.routing import APIRoute  # noqa: PLC0415
    except ImportError:
        return
    # Through `setattr`: a type checker rightly dislikes replacing methods.
    setattr(APIRoute, "get_route_handler", _driving(APIRoute.get_route_handler))  # noqa: B010


def _driving(make_handler: Callable[[Any], Callable[[Any], Coroutine[Any, Any, Any]]]) -> Any:
    @wraps(make_handler)
    def get_route_handler(route: Any) -> Any:
        handle = make_handler(route)
        if not getattr(route.endpoint, _MARK, False):
            return handle

        async def handler(request: Any) -> Any:
            return await driven(handle(request))

        return handler

    return get_route_handler
