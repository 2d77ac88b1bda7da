"""`install(app)`: one call which puts the sync shim under an application."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy.orm import Session

from migrate_async.runtime.legacy.bridge import drive, run_awaiting
from migrate_async.runtime.legacy.deprecation import deprecated, warn_legacy
from migrate_async.runtime.legacy.engine import BridgedEngine, bridged_engines, release_loop
from migrate_async.runtime.legacy.hooks import (
    install_entry_points,
    install_thread_calls,
    uninstall_hooks,
)
from migrate_async.runtime.legacy.loop import abandon_loop, adopt_loop
from migrate_async.runtime.legacy.modes import (
    DEFAULT_MODE,
    Mode,
    needs_driving,
    set_default_mode,
)
from migrate_async.runtime.legacy.overrides import AdaptingOverrides, install_overrides
from migrate_async.runtime.tracking import current_scope, request_scope

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]

_modes: WeakKeyDictionary[Any, Mode] = WeakKeyDictionary()
_everywhere: list[Mode] = []


@deprecated("install()", "native routes, and remove it when none is left that needs the shim")
def install(app: Any = None, *, mode: Mode | str = DEFAULT_MODE) -> None:
    """Let the sync code of an application run on the async engine, and close its sessions.

    Without `app` it applies to every Starlette and FastAPI application of the process, so that
    the call may stand in the database module. It may be called again to change the mode.

    :raises UnsupportedFramework: for the mode `loop` on a release that it does not know.
    :raises MissingDependencyError: Starlette is not installed.
    """
    chosen = Mode(mode)
    install_entry_points(_serving)
    if chosen is Mode.LOOP:
        install_thread_calls()
    set_default_mode(chosen)
    if app is None:
        _everywhere[:] = [chosen]
    else:
        _modes[app] = chosen


def uninstall() -> None:
    """Undo every `install`."""
    _modes.clear()
    _everywhere.clear()
    set_default_mode(DEFAULT_MODE)
    uninstall_hooks()


class SessionScopeMiddleware:
    """The scope of a request as plain ASGI middleware.

    `install(app)` does the same for Starlette and FastAPI applications; this is for others.
    """

    def __init__(self, app: ASGIApp, mode: Mode | str = DEFAULT_MODE) -> None:
        warn_legacy("SessionScopeMiddleware", "native routes")
        self.app = app
        self.mode = Mode(mode)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await serve(self.app, self.mode, scope, receive, send)


async def serve(app: ASGIApp, mode: Mode, scope: Scope, receive: Receive, send: Send) -> None:
    """Call an ASGI application inside a request scope, driven if the mode calls for it.

    So its middleware may use sync sessions, too. Start-up and shutdown are always driven.
    """
    if scope["type"] == "lifespan":
        await _serve_lifespan(app, scope, receive, send)
        return
    loop = asyncio.get_running_loop()
    for engine in bridged_engines():
        engine.pools.adopt(loop)
    if current_scope() is not None:  # a mounted application: the request has its scope
        await app(scope, receive, send)
    else:
        async with request_scope(mode=mode, asgi=scope, close=_close):
            if needs_driving(mode):
                await drive(app(scope, receive, send))
            else:
                await app(scope, receive, send)


async def _serve_lifespan(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    loop = asyncio.get_running_loop()
    adopt_loop(loop)
    try:
        await drive(app(scope, receive, send))
    finally:
        abandon_loop(loop)
        await release_loop()


async def _close(session: Session) -> None:
    """In a greenlet for the async drivers; in a thread for a sync one, which would block."""
    if isinstance(session.bind, BridgedEngine):
        await run_awaiting(session.close)
    else:
        await asyncio.get_running_loop().run_in_executor(None, session.close)


def _serving(call: Callable[..., Coroutine[Any, Any, None]]) -> Any:
    async def serving(self: Any, scope: Scope, receive: Receive, send: Send) -> None:
        mode = _modes.get(self) or (_everywhere[0] if _everywhere else None)
        if mode is None:
            await call(self, scope, receive, send)
            return
        overrides = getattr(self, "dependency_overrides", None)
        if overrides and not isinstance(overrides, AdaptingOverrides):
            install_overrides(self)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await call(self, scope, receive, send)

        await serve(app, mode, scope, receive, send)

    return serving
