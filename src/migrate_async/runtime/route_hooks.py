"""What FastAPI's dependencies lack: the response's status, and two scopes before 0.121.

Since FastAPI 0.121 a dependency may have `scope="function"` (left after the handler, before the
response is sent) or the default one (left when streams and background tasks are done), and the
ASGI scope of a request holds an exit stack for each. Older versions offer one of the two, which one
depends on the version. For them this module opens two exit stacks of its own, around the same two
moments.

`APIRoute` and the maker of websocket applications are wrapped once, when this module is first
imported. A route that depends on `get_db` is necessarily created after that import.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from functools import wraps
from typing import Any

from migrate_async.runtime.errors import MissingDependencyError

try:
    import fastapi.routing
    from fastapi import Depends
    from fastapi.dependencies.utils import solve_dependencies
    from fastapi.routing import APIRoute
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send
    from starlette.websockets import WebSocket
except ImportError as error:
    raise MissingDependencyError("fastapi", "fastapi") from error

RouteHandler = Callable[[Request], Coroutine[Any, Any, Response]]

HAS_FUNCTION_SCOPE = "scope" in inspect.signature(Depends).parameters
"""Whether this FastAPI has both scopes itself (0.121 and newer)."""

_FASTAPIS_KEYS = ("fastapi_function_astack", "fastapi_inner_astack")
HAS_STACKS = not HAS_FUNCTION_SCOPE or set(_FASTAPIS_KEYS) <= set(
    solve_dependencies.__code__.co_consts
)
"""Whether both stacks are in the scope of a request under a name which is known.

FastAPI's names are its own affair. Without them two dependencies of different scopes do the same,
for a fifth of a millisecond more.
"""

STATUS_KEY = "migrate_async.response_status"
FUNCTION_STACK_KEY, REQUEST_STACK_KEY = (
    _FASTAPIS_KEYS
    if HAS_FUNCTION_SCOPE
    else ("migrate_async.function_stack", "migrate_async.request_stack")
)


def response_status(scope: Scope) -> int | None:
    """The status the handler decided on; None while it runs, and for websockets."""
    status: int | None = scope.get(STATUS_KEY)
    return status


def function_stack(scope: Scope) -> AsyncExitStack:
    """Closed after the handler, before the response is sent; there if `HAS_STACKS`."""
    return _stack(scope, FUNCTION_STACK_KEY)


def request_stack(scope: Scope) -> AsyncExitStack:
    """Closed when the response is done, and its streams and background tasks (as above)."""
    return _stack(scope, REQUEST_STACK_KEY)


def _stack(scope: Scope, key: str) -> AsyncExitStack:
    stack = scope.get(key)
    if not isinstance(stack, AsyncExitStack):
        raise TypeError("get_db() works inside FastAPI's own routes only")
    return stack


def _handler_with_status(make_handler: Callable[[APIRoute], RouteHandler]) -> Any:
    @wraps(make_handler)
    def get_route_handler(route: APIRoute) -> RouteHandler:
        handle = make_handler(route)

        async def handler(request: Request) -> Response:
            response = await handle(request)
            request.scope[STATUS_KEY] = response.status_code
            return response

        return handler

    return get_route_handler


def _handler_with_function_stack(make_handler: Callable[[APIRoute], RouteHandler]) -> Any:
    @wraps(make_handler)
    def get_route_handler(route: APIRoute) -> RouteHandler:
        handle = make_handler(route)

        async def handler(request: Request) -> Response:
            async with AsyncExitStack() as stack:
                request.scope[FUNCTION_STACK_KEY] = stack
                return await handle(request)

        return handler

    return get_route_handler


def _handle_with_request_stack(handle: Callable[..., Awaitable[None]]) -> Any:
    @wraps(handle)
    async def handle_route(route: APIRoute, scope: Scope, receive: Receive, send: Send) -> None:
        async with AsyncExitStack() as stack:
            scope[REQUEST_STACK_KEY] = stack
            await handle(route, scope, receive, send)

    return handle_route


def _websocket_with_stacks(make_app: Callable[..., Any]) -> Any:
    @wraps(make_app)
    def get_websocket_app(*args: Any, **options: Any) -> Any:
        serve = make_app(*args, **options)

        async def app(websocket: WebSocket) -> None:
            async with AsyncExitStack() as outer, AsyncExitStack() as inner:
                websocket.scope[REQUEST_STACK_KEY] = outer
                websocket.scope[FUNCTION_STACK_KEY] = inner
                await serve(websocket)

        return app

    return get_websocket_app


def _install() -> None:
    """Wrap the hooks; the status is recorded inside the function stack, which reads it."""
    # Assigned through `setattr`: a type checker rightly dislikes replacing methods.
    handler = _handler_with_status(APIRoute.get_route_handler)
    if HAS_FUNCTION_SCOPE:
        setattr(APIRoute, "get_route_handler", handler)  # noqa: B010
        return
    setattr(APIRoute, "get_route_handler", _handler_with_function_stack(handler))  # noqa: B010
    setattr(APIRoute, "handle", _handle_with_request_stack(APIRoute.handle))  # noqa: B010
    maker = _websocket_with_stacks(fastapi.routing.get_websocket_app)
    setattr(fastapi.routing, "get_websocket_app", maker)  # noqa: B010


_install()
