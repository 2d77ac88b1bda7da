"""How far the migration is: per route, how it reaches the database, and what it loads implicitly.

Counting happens in the scope of a request and is added up when the request ends: a few dictionary
operations per request, cheap enough to leave on. `start_telemetry()` begins; `migration_report()`
is what the status page, Prometheus and OpenTelemetry show.

A request is *native* when no sync session of the shim was opened in it. An *implicit load* is a
query that ran because an attribute was read: a lazy relationship, or an expired column. Sync code
gets away with it; the same line raises `MissingGreenlet` on an `AsyncSession`.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session

from migrate_async.runtime.frames import UNKNOWN, Location, app_location, location_of
from migrate_async.runtime.tracking import RequestScope, current_scope, on_scope_end

NATIVE = "native"

MAX_IMPLICIT_LOADS = 1000
"""Places remembered per process; beyond that only their number is counted."""


@dataclass(frozen=True, slots=True)
class ImplicitLoad:
    """A line at which reading an attribute ran a query."""

    location: str
    """file:line; the route's function when the framework read it, to serialise the response."""
    what: str
    """The relationship, as `Note.owner`, or the class whose columns were loaded."""
    count: int


@dataclass(frozen=True, slots=True)
class RouteReport:
    """What one route did so far."""

    method: str
    path: str
    endpoint: str
    """file:line of its function."""
    requests: int
    modes: dict[str, int]
    """Requests by how they reached the database: native, threads, hop, loop."""
    implicit_loads: tuple[ImplicitLoad, ...]
    leaked_sessions: int

    @property
    def native(self) -> bool:
        """Whether it ran, and never needed the shim nor an implicit load."""
        return set(self.modes) == {NATIVE} and not self.implicit_loads


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """All routes which were called, and the sums."""

    routes: tuple[RouteReport, ...]
    requests: int
    native_requests: int
    native_routes: int
    implicit_loads: int

    def as_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return asdict(self)


class _Route:
    __slots__ = ("endpoint", "leaked", "loads", "modes", "requests")

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.requests = 0
        self.modes: Counter[str] = Counter()
        self.loads: Counter[tuple[Location, str]] = Counter()
        self.leaked = 0


class Telemetry:
    """The counters of this process: `telemetry`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._routes: dict[tuple[str, str], _Route] = {}
        self.running = False

    def start(self) -> None:
        """Begin to count; idempotent."""
        if not self.running:
            self.running = True
            event.listen(Session, "do_orm_execute", _note_implicit_load)
            on_scope_end(self._add)

    def stop(self) -> None:
        """Stop counting, and forget what was counted."""
        if self.running:
            self.running = False
            event.remove(Session, "do_orm_execute", _note_implicit_load)
        with self._lock:
            self._routes.clear()

    def report(self) -> MigrationReport:
        """A snapshot."""
        with self._lock:
            routes = tuple(
                _report(method, path, route) for (method, path), route in self._routes.items()
            )
        return MigrationReport(
            routes=tuple(sorted(routes, key=lambda route: (route.path, route.method))),
            requests=sum(route.requests for route in routes),
            native_requests=sum(route.modes.get(NATIVE, 0) for route in routes),
            native_routes=sum(route.native for route in routes),
            implicit_loads=sum(load.count for route in routes for load in route.implicit_loads),
        )

    def _add(self, scope: RequestScope) -> None:
        endpoint = scope.asgi.get("endpoint")
        if not self.running or endpoint is None:  # nothing matched: 404, or not HTTP
            return
        key = (scope.asgi.get("method", scope.asgi["type"].upper()), route_path(scope.asgi))
        with self._lock:
            route = self._routes.get(key)
            if route is None:
                route = self._routes[key] = _Route(str(location_of(endpoint)))
            route.requests += 1
            route.modes.update(scope.legacy_uses.keys() or (NATIVE,))
            route.leaked += len(scope.leaked)
            if scope.implicit_loads and len(route.loads) < MAX_IMPLICIT_LOADS:
                route.loads.update(scope.implicit_loads)


telemetry = Telemetry()


def start_telemetry() -> Telemetry:
    """Begin to count in this process; needs the scopes of `install` or its middleware."""
    telemetry.start()
    return telemetry


def migration_report() -> MigrationReport:
    """What was counted since `start_telemetry()`."""
    return telemetry.report()


def route_path(asgi: Any) -> str:
    """The path template of the route that matched, with the prefixes of its routers."""
    # FastAPI 0.137 and newer keep the prefix beside the route, not in it.
    context = asgi.get("fastapi", {}).get("effective_route_context")
    route = context or asgi.get("route")
    path = getattr(route, "path_format", None) or getattr(route, "path", None)
    if path is None:
        return str(asgi.get("path", ""))
    mounted = str(asgi.get("root_path", "")) if "app_root_path" in asgi else ""
    return f"{mounted.removeprefix(asgi.get('app_root_path', ''))}{path}"


def never_called(routes: Iterable[Any], report: MigrationReport) -> list[str]:
    """The routes of an application about which the report says nothing yet, as `GET /path`."""
    called = {f"{route.method} {route.path}" for route in report.routes}
    return sorted(
        name
        for route in _all_routes(routes)
        for method in sorted(getattr(route, "methods", None) or ())
        if method not in {"HEAD", "OPTIONS"} and (name := f"{method} {route.path}") not in called
    )


def _all_routes(routes: Iterable[Any]) -> Iterable[Any]:
    try:
        from fastapi.routing import iter_route_contexts  # noqa: PLC0415  (0.137 and newer)
    except ImportError:
        return routes
    return iter_route_contexts(list(routes))


def _note_implicit_load(state: ORMExecuteState) -> None:
    if not state.is_column_load and state.lazy_loaded_from is None:
        return
    scope = current_scope()
    if scope is None:
        return
    location = app_location()
    if location is UNKNOWN:
        location = scope.endpoint_location
    scope.count_implicit_load(location, _what(state))


def _what(state: ORMExecuteState) -> str:
    path = state.loader_strategy_path
    if path is not None and not state.is_column_load:
        return str(path[-1])
    mapper = state.bind_mapper
    return "columns" if mapper is None else f"{mapper.class_.__name__} (expired columns)"


def _report(method: str, path: str, route: _Route) -> RouteReport:
    loads = [ImplicitLoad(str(place), what, count) for (place, what), count in route.loads.items()]
    return RouteReport(
        method=method,
        path=path,
        endpoint=route.endpoint,
        requests=route.requests,
        modes=dict(route.modes),
        implicit_loads=tuple(sorted(loads, key=lambda load: (-load.count, load.location))),
        leaked_sessions=route.leaked,
    )
