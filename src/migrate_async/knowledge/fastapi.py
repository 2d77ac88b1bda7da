"""What FastAPI and Starlette call their things."""

from __future__ import annotations

from functools import cache

_HOME: dict[str, str] = {
    "fastapi.applications": "fastapi",
    "fastapi.param_functions": "fastapi",
    "fastapi.params": "fastapi",
    "fastapi.requests": "fastapi",
    "fastapi.routing": "fastapi",
    "starlette.requests": "fastapi",
}


@cache
def canonical(dotted: str) -> str:
    """The public name of what `dotted` imports."""
    module, _, name = dotted.rpartition(".")
    return f"{_HOME[module]}.{name}" if module in _HOME and dotted not in _HOME else dotted


REQUESTS = frozenset(
    {"fastapi.HTTPConnection", "fastapi.Request", "fastapi.WebSocket"}
    | {"starlette.requests.HTTPConnection", "starlette.requests.Request"}
    | {"starlette.websockets.WebSocket"}
)
REQUEST_TEXTS = frozenset({"cookies", "headers", "path_params", "query_params"})
"""What a request holds as texts, whatever a path parameter is declared as elsewhere."""
DEPENDS = frozenset({"fastapi.Depends", "fastapi.Security"})
DEPENDS_NAMES = frozenset({"Depends", "Security"})
APPLICATIONS = frozenset({"fastapi.FastAPI", "starlette.applications.Starlette"})
ROUTERS = APPLICATIONS | {"fastapi.APIRouter"}
ROUTE_METHODS: dict[str, tuple[str, ...]] = {
    "get": ("GET",),
    "post": ("POST",),
    "put": ("PUT",),
    "delete": ("DELETE",),
    "patch": ("PATCH",),
    "options": ("OPTIONS",),
    "head": ("HEAD",),
    "trace": ("TRACE",),
    "websocket": ("WEBSOCKET",),
    "websocket_route": ("WEBSOCKET",),
    "api_route": (),
    "route": (),
}
"""Decorator methods of a router to the HTTP methods they register; empty: see `methods=`."""

THREADS = frozenset(
    {
        "asyncio.to_thread",
        "fastapi.concurrency.run_in_threadpool",
        "starlette.concurrency.run_in_threadpool",
    }
)
"""Functions that run their first argument in a worker thread."""

FOREIGN_THREADS = frozenset({"anyio.to_thread.run_sync"})
"""The same, with arguments of their own: what they run stays sync."""

HANDLER_DECORATORS = frozenset({"middleware", "exception_handler", "on_event"})
"""Decorator methods whose function FastAPI calls and accepts as `async def`."""

ROUTE_ADDERS = frozenset({"add_api_route", "add_api_websocket_route"})
"""Methods of routers that take a path and the function that answers there."""

AWAITING_CONSUMERS = frozenset(
    {
        "Depends",
        "Security",
        "add_api_route",
        "add_api_websocket_route",
        "add_event_handler",
        "add_exception_handler",
        "add_middleware",
        "add_task",
        "BackgroundTask",
        "create_task",
        "ensure_future",
        "gather",
        "wait_for",
        "isinstance",
        "getattr",
        "hasattr",
        "run_sync",
        "run_in_threadpool",
        "to_thread",
    }
)
"""Callables that take a function as a value and either await it or run it in a thread."""
