"""Routes whose response model reads attributes that no query has loaded.

FastAPI makes the response after the handler has returned. What the response model reads then of an
object of an `AsyncSession` raises `MissingGreenlet`, unless it is loaded. `lazy_response` lets it
load, as it did on a sync session: one attribute after the other, each in its own query.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from migrate_async.runtime.driven_routes import mark_driven, with_globals_of
from migrate_async.runtime.errors import MissingDependencyError

_F = TypeVar("_F", bound=Callable[..., Any])


def lazy_response(endpoint: _F, /) -> _F:
    """Let what the response of a route reads be loaded when it is read.

        @router.get("/orders/{order_id}", response_model=OrderRead)
        @lazy_response
        async def get_order(order_id: int, db: AsyncSession = Depends(get_db)):
            return await db.get(Order, order_id)

    It stands below the decorators of the route and above all others. FastAPI handles the request in
    a greenlet then, in which lazy loads await implicitly. A plain function still runs in a thread,
    and becomes a coroutine function by it: its response is made on the event loop, where the
    session is.

    It costs no more than the queries, of which loader options need fewer: `selectinload()` where
    the object is queried makes it needless.

    :raises TypeError: `endpoint` is no function, or a generator function.
    :raises MissingDependencyError: `endpoint` is a plain function, and FastAPI is not installed.
    """
    if isinstance(endpoint, type) or _is_generator(endpoint):
        raise TypeError(f"{endpoint.__qualname__} is no function that returns a response")
    made = endpoint if inspect.iscoroutinefunction(endpoint) else _threaded(endpoint)
    mark_driven(made)
    return made  # type: ignore[return-value]


def _is_generator(function: Callable[..., Any]) -> bool:
    return inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)


def _threaded(function: Callable[..., Any]) -> Callable[..., Any]:
    try:
        from starlette.concurrency import run_in_threadpool as run  # noqa: PLC0415
    except ImportError as error:
        raise MissingDependencyError("fastapi", "fastapi") from error

    async def threaded(*args: Any, **options: Any) -> Any:
        return await run(function, *args, **options)

    return wraps(function)(with_globals_of(function, threaded))
