"""The places in Starlette and FastAPI where the shim steps in, in two tables.

* `ENTRY_POINTS`: public methods. An application's `__call__` opens the request's scope and is
  driven in a greenlet, with all of its middleware; so are the `handle` of a route, whose mode may
  be another, and what `BaseHTTPMiddleware` calls in a task of its own.
* `THREAD_CALLS`: names that FastAPI and Starlette use to send sync functions to the thread pool.
  They are private; only the mode `loop` needs them. When one is missing in a new release, that
  mode refuses to start and says so; the other modes are not concerned.

Each name is replaced once per process and does nothing for requests without a scope.
"""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, asynccontextmanager
from functools import wraps
from typing import Any

from sqlalchemy.util import await_only

from migrate_async.runtime.errors import MigrateAsyncRuntimeError, MissingDependencyError
from migrate_async.runtime.legacy.bridge import drive, run_awaiting
from migrate_async.runtime.legacy.modes import Mode, marked_mode, needs_driving
from migrate_async.runtime.running import in_greenlet
from migrate_async.runtime.tracking import current_scope

Wrapper = Callable[[Any], Any]

THREAD_CALLS = (
    ("fastapi.routing", "run_in_threadpool", True),
    ("fastapi.dependencies.utils", "run_in_threadpool", True),
    ("fastapi.dependencies.utils", "contextmanager_in_threadpool", True),
    ("starlette.background", "run_in_threadpool", True),
    ("starlette._exception_handler", "run_in_threadpool", False),
    ("starlette.responses", "iterate_in_threadpool", False),
    ("fastapi.routing", "iterate_in_threadpool", False),
)
"""(module, name, whether the mode `loop` is wrong without it)."""

_replaced: list[tuple[Any, str, Any]] = []


class UnsupportedFramework(MigrateAsyncRuntimeError):
    """This release of FastAPI or Starlette lacks a name that the mode `loop` replaces."""


def install_entry_points(serve: Wrapper) -> None:
    """Wrap `Starlette.__call__` with `serve`, and drive routes and middleware; idempotent."""
    if _replaced:
        return
    try:
        from starlette.applications import Starlette  # noqa: PLC0415
        from starlette.middleware.base import BaseHTTPMiddleware  # noqa: PLC0415
        from starlette.routing import Route, WebSocketRoute  # noqa: PLC0415
    except ImportError as error:
        raise MissingDependencyError("starlette", "fastapi") from error
    _replace(Starlette, "__call__", serve)
    _replace(BaseHTTPMiddleware, "__init__", _with_driven_app)
    _replace(BaseHTTPMiddleware, "__call__", _driven)
    _replace(Route, "handle", _driven_route)
    _replace(WebSocketRoute, "handle", _driven_route)
    for route_class in _route_classes_of_fastapi():
        if "handle" in vars(route_class):
            _replace(route_class, "handle", _driven_route)


def install_thread_calls() -> None:
    """Make sync functions of routes in the mode `loop` run on the event loop.

    :raises UnsupportedFramework: a name which is needed for it is missing.
    """
    found = []
    for module_name, name, needed in THREAD_CALLS:
        module = _import(module_name)
        if module is not None and hasattr(module, name):
            found.append((module, name))
        elif needed:
            raise UnsupportedFramework(
                f"{module_name}.{name} does not exist in {_versions()}: the mode 'loop' does not "
                "support this release yet, use the mode 'hop' or 'threads'"
            )
    for module, name in found:
        if not any(target is module and known == name for target, known, _ in _replaced):
            _replace(module, name, _ON_LOOP[name])


def uninstall_hooks() -> None:
    """Put every replaced name back."""
    while _replaced:
        target, name, original = _replaced.pop()
        setattr(target, name, original)


def _replace(target: Any, name: str, wrapper: Wrapper) -> None:
    original = getattr(target, name)
    _replaced.append((target, name, original))
    setattr(target, name, wraps(original)(wrapper(original)))


class _DrivenApp:
    """What a `BaseHTTPMiddleware` calls in another task, outside of this one's greenlet."""

    def __init__(self, app: Callable[..., Coroutine[Any, Any, None]]) -> None:
        self.app = app

    async def __call__(self, *args: Any) -> None:
        await _driven(type(self)._call)(self, *args)

    async def _call(self, *args: Any) -> None:
        await self.app(*args)


def _with_driven_app(init: Callable[..., None]) -> Any:
    def initialised(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        self.app = _DrivenApp(self.app)

    return initialised


def _driven(call: Callable[..., Coroutine[Any, Any, None]]) -> Any:
    async def driven(self: Any, *args: Any) -> None:
        scope = current_scope()
        if scope is None or not needs_driving(scope.mode) or in_greenlet():
            await call(self, *args)
        else:
            await drive(call(self, *args))

    return driven


def _driven_route(handle: Callable[..., Coroutine[Any, Any, None]]) -> Any:
    async def driven(self: Any, *args: Any) -> None:
        scope = current_scope()
        if scope is None or scope.mode is None:
            await handle(self, *args)
            return
        mode = marked_mode(self.endpoint)
        if mode is not None:
            scope.mode, scope.pinned = mode, True
        if needs_driving(scope.mode) and not in_greenlet():
            await drive(handle(self, *args))
        elif scope.mode == Mode.NATIVE and in_greenlet():
            await_only(handle(self, *args))  # outside of the greenlet: nothing awaits implicitly
        else:
            await handle(self, *args)

    return driven


def _on_loop() -> bool:
    scope = current_scope()
    return scope is not None and scope.mode == Mode.LOOP


def _run_on_loop(run_in_threadpool: Callable[..., Coroutine[Any, Any, Any]]) -> Any:
    async def run(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        if _on_loop():
            return await run_awaiting(function, *args, **kwargs)
        return await run_in_threadpool(function, *args, **kwargs)

    return run


def _context_on_loop(contextmanager_in_threadpool: Callable[..., Any]) -> Any:
    def enter(context: AbstractContextManager[Any]) -> Any:
        return _in_greenlet(context) if _on_loop() else contextmanager_in_threadpool(context)

    return enter


@asynccontextmanager
async def _in_greenlet(context: AbstractContextManager[Any]) -> AsyncIterator[Any]:
    value = await run_awaiting(context.__enter__)
    try:
        yield value
    except BaseException as error:
        if not await run_awaiting(context.__exit__, type(error), error, error.__traceback__):
            raise
    else:
        await run_awaiting(context.__exit__, None, None, None)


def _iterate_on_loop(iterate_in_threadpool: Callable[..., AsyncIterator[Any]]) -> Any:
    def iterate(iterator: Any) -> AsyncIterator[Any]:
        return _iterate(iter(iterator)) if _on_loop() else iterate_in_threadpool(iterator)

    return iterate


async def _iterate(iterator: Iterator[Any]) -> AsyncIterator[Any]:
    end = object()
    while (item := await run_awaiting(next, iterator, end)) is not end:
        yield item


_ON_LOOP: dict[str, Wrapper] = {
    "run_in_threadpool": _run_on_loop,
    "contextmanager_in_threadpool": _context_on_loop,
    "iterate_in_threadpool": _iterate_on_loop,
}


def _route_classes_of_fastapi() -> list[Any]:
    module = _import("fastapi.routing")
    names = ("APIRoute", "APIWebSocketRoute")
    return [getattr(module, name) for name in names if hasattr(module, name)]


def _import(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _versions() -> str:
    modules = [(name, _import(name)) for name in ("fastapi", "starlette")]
    return ", ".join(f"{name} {module.__version__}" for name, module in modules if module)
