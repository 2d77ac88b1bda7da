"""What belongs to one request: its shim mode, its sessions, what it did that telemetry counts.

A context variable holds the `RequestScope`; worker threads, sync dependencies, background tasks
and tasks started by the handler inherit it. Threads that the application starts itself do not.
When the request ends, every session opened in it is closed, and rolled back if nobody committed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, MutableMapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from migrate_async.runtime.frames import UNKNOWN, Location, app_location, location_of

AnySession = Session | AsyncSession
ScopeListener = Callable[["RequestScope"], object]

logger = logging.getLogger(__name__)
_current: ContextVar[RequestScope | None] = ContextVar("migrate_async_request", default=None)
_end_listeners: list[ScopeListener] = []
_dropped_listeners: list[Callable[[Location], None]] = []
_warned: set[Location] = set()


class TrackedSession:
    """A session opened in a request and the line which opened it."""

    __slots__ = ("location", "session")

    def __init__(self, session: AnySession, location: Location) -> None:
        self.session = session
        self.location = location

    @property
    def is_open(self) -> bool:
        """Whether it holds a transaction, hence a connection."""
        return bool(self.session.in_transaction())


class RequestScope:
    """One request, websocket connection or other unit of work.

    `mode` is the shim mode now in force (None: the shim is not installed), `pinned` whether the
    route itself chose it; `asgi` is the ASGI scope, which learns its `endpoint` and `route` when
    the router has matched.
    """

    __slots__ = (
        "__weakref__",
        "asgi",
        "closed",
        "implicit_loads",
        "leaked",
        "legacy_uses",
        "loop",
        "mode",
        "pinned",
        "sessions",
    )

    def __init__(
        self,
        *,
        mode: str | None = None,
        asgi: MutableMapping[str, Any] | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.mode = mode
        self.pinned = False
        self.asgi: MutableMapping[str, Any] = {} if asgi is None else asgi
        self.loop = loop
        self.closed = False
        self.sessions: list[TrackedSession] = []
        self.legacy_uses: dict[str, int] = {}
        self.implicit_loads: dict[tuple[Location, str], int] = {}
        self.leaked: list[Location] = []

    def count_legacy(self, mode: str) -> None:
        """Note that the shim opened a session in this mode."""
        self.legacy_uses[mode] = self.legacy_uses.get(mode, 0) + 1

    def count_implicit_load(self, location: Location, what: str) -> None:
        """Note that an attribute access ran a query."""
        key = (location, what)
        self.implicit_loads[key] = self.implicit_loads.get(key, 0) + 1

    @property
    def endpoint_location(self) -> Location:
        """Where the route's function is defined; `UNKNOWN` before the router matched."""
        return location_of(self.asgi.get("endpoint"))


def current_scope() -> RequestScope | None:
    """The request that this code runs for, if any."""
    return _current.get()


def track_session(session: AnySession, location: Location | None = None) -> Location:
    """Have a session closed when the current request ends; without a request, do nothing.

    Returns the line which opened it: `location`, else the innermost application line, else the
    route's function.
    """
    scope = _current.get()
    if location is None:
        location = app_location()
    if scope is None:
        return location
    if location is UNKNOWN:
        location = scope.endpoint_location
    scope.sessions.append(TrackedSession(session, location))
    return location


def on_scope_end(listener: ScopeListener) -> None:
    """Call `listener(scope)` on the event loop after each request's sessions are closed."""
    if listener not in _end_listeners:
        _end_listeners.append(listener)


def on_dropped_connection(listener: Callable[[Location], None]) -> None:
    """Call `listener(location)` when a bridged connection was dropped without `close()`."""
    if listener not in _dropped_listeners:
        _dropped_listeners.append(listener)


def report_dropped(location: Location) -> None:
    """A connection opened at `location` was garbage-collected instead of closed."""
    for listener in _dropped_listeners:
        listener(location)


@asynccontextmanager
async def request_scope(
    *,
    mode: str | None = None,
    asgi: MutableMapping[str, Any] | None = None,
    close: Callable[[Session], Any] | None = None,
) -> AsyncIterator[RequestScope]:
    """Open the scope of one request, and close the sessions opened in it when it ends.

    `close` is an async function which closes a sync session with an open transaction; by
    default it is closed in a worker thread.
    """
    scope = RequestScope(mode=mode, asgi=asgi, loop=asyncio.get_running_loop())
    token = _current.set(scope)
    try:
        yield scope
    finally:
        _close_idle(scope)
        if scope.sessions:
            # Shielded: the request may be cancelled, the connection must go back all the same.
            await asyncio.shield(
                asyncio.ensure_future(_close_all(scope, close or _close_in_thread))
            )
        scope.closed = True
        _current.reset(token)
        for listener in _end_listeners:
            listener(scope)


def _close_idle(scope: RequestScope) -> None:
    """Close the sessions without a transaction, which takes no I/O; keep the others."""
    still_open = []
    for tracked in scope.sessions:
        if tracked.is_open:
            still_open.append(tracked)
            continue
        session = tracked.session
        try:
            (session.sync_session if isinstance(session, AsyncSession) else session).close()
        except Exception:  # noqa: BLE001  as in `_close_all`
            _log_failure(tracked)
    scope.sessions[:] = still_open


async def _close_all(scope: RequestScope, close: Callable[[Session], Any]) -> None:
    for tracked in reversed(scope.sessions):
        scope.leaked.append(tracked.location)
        _report_open(tracked, scope)
        session = tracked.session
        try:
            await (session.close() if isinstance(session, AsyncSession) else close(session))
        except Exception:  # noqa: BLE001  the next session is to be closed all the same
            _log_failure(tracked)
    scope.sessions.clear()


def _log_failure(tracked: TrackedSession) -> None:
    logger.exception("could not close the session opened at %s", tracked.location)


async def _close_in_thread(session: Session) -> None:
    await asyncio.get_running_loop().run_in_executor(None, session.close)


def _report_open(tracked: TrackedSession, scope: RequestScope) -> None:
    where = tracked.location
    level = logging.DEBUG if where in _warned else logging.WARNING
    _warned.add(where)
    logger.log(
        level,
        "the session opened at %s was still in a transaction when %s %s ended: rolled back",
        where,
        scope.asgi.get("method", scope.asgi.get("type", "the scope")),
        scope.asgi.get("path", ""),
    )
