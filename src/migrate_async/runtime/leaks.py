"""Sessions and connections that were not returned, each with the line which opened it.

`watch_leaks()` listens to every pool of the process. What counts as a leak:

* a connection that was garbage-collected instead of returned;
* a connection still out when the request which took it is over;
* a sync session of the shim still in a transaction when its request ended (it is closed then).

`leaks()` lists them, `open_connections()` what is out right now; each leak is logged once per line.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from dataclasses import dataclass
from time import monotonic
from typing import Any, Literal
from weakref import ReferenceType, ref

from sqlalchemy import event
from sqlalchemy.pool import Pool

from migrate_async.runtime.frames import UNKNOWN, Location, app_location
from migrate_async.runtime.tracking import (
    RequestScope,
    current_scope,
    on_dropped_connection,
    on_scope_end,
)

Kind = Literal["connection", "session"]
Reason = Literal["dropped", "request ended"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Leak:
    """One line that leaks, and how often it did."""

    kind: Kind
    reason: Reason
    location: Location
    count: int

    def __str__(self) -> str:
        how = "was dropped without close()" if self.reason == "dropped" else "outlived its request"
        times = "" if self.count == 1 else f" ({self.count} times)"
        return f"a {self.kind} opened at {self.location} {how}{times}"


class OpenConnection:
    """A connection that is checked out of its pool."""

    __slots__ = ("_since", "fairy", "location", "scope")

    def __init__(self, fairy: Any, location: Location, scope: RequestScope | None) -> None:
        self.fairy: ReferenceType[Any] = ref(fairy)
        self.location = location
        self.scope: ReferenceType[RequestScope] | None = None if scope is None else ref(scope)
        self._since = monotonic()

    @property
    def seconds(self) -> float:
        """For how long it has been out."""
        return monotonic() - self._since

    @property
    def outlived(self) -> bool:
        """Whether the request that opened it is over."""
        if self.scope is None:
            return False
        scope = self.scope()
        return scope is None or scope.closed

    def __str__(self) -> str:
        return f"a connection opened at {self.location}, out for {self.seconds:.1f} s"


class LeakDetector:
    """Watches all pools from `start` to `stop`. One per process is enough: `detector`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[int, OpenConnection] = {}
        self._found: Counter[tuple[Kind, Reason, Location]] = Counter()
        self.running = False

    def start(self) -> None:
        """Listen to the checkouts and returns of every pool; idempotent."""
        if self.running:
            return
        self.running = True
        event.listen(Pool, "checkout", self._on_checkout)
        event.listen(Pool, "checkin", self._on_checkin)
        event.listen(Pool, "detach", self._on_detach)
        on_scope_end(self._on_scope_end)
        on_dropped_connection(self._on_dropped)

    def stop(self) -> None:
        """Stop listening and forget everything."""
        if self.running:
            event.remove(Pool, "checkout", self._on_checkout)
            event.remove(Pool, "checkin", self._on_checkin)
            event.remove(Pool, "detach", self._on_detach)
        self.running = False
        self.forget()
        self._open.clear()

    def forget(self) -> None:
        """Forget the leaks found so far, not what is out."""
        with self._lock:
            self._found.clear()

    def open_connections(self) -> list[OpenConnection]:
        """What is checked out right now, the oldest first."""
        return sorted(self._open.copy().values(), key=lambda entry: -entry.seconds)

    def leaks(self) -> list[Leak]:
        """All leaks found so far, by line."""
        with self._lock:
            found = self._found.copy()
        for entry in self.open_connections():
            if entry.outlived:
                found["connection", "request ended", entry.location] += 1
        return [Leak(*key, count) for key, count in sorted(found.items())]

    def _on_checkout(self, _: Any, record: Any, fairy: Any) -> None:
        scope = current_scope()
        location = app_location()
        if location is UNKNOWN and scope is not None:
            location = scope.endpoint_location
        self._open[id(record)] = OpenConnection(fairy, location, scope)

    def _on_checkin(self, _: Any, record: Any) -> None:
        entry = self._open.pop(id(record), None)
        # A connection that comes back after its proxy has died was brought back by the
        # garbage collector.
        if entry is not None and entry.fairy() is None:
            self._report("connection", "dropped", entry.location)

    def _on_detach(self, _: Any, record: Any) -> None:
        entry = self._open.pop(id(record), None)
        if entry is not None and entry.fairy() is None:
            self._report("connection", "dropped", entry.location)

    def _on_scope_end(self, scope: RequestScope) -> None:
        if self.running:
            for location in scope.leaked:
                self._report("session", "request ended", location)

    def _on_dropped(self, location: Location) -> None:
        if self.running:
            self._report("connection", "dropped", location)

    def _report(self, kind: Kind, reason: Reason, location: Location) -> None:
        with self._lock:
            self._found[kind, reason, location] += 1
            count = self._found[kind, reason, location]
        if count == 1:
            logger.warning("leak: %s", Leak(kind, reason, location, 1))


detector = LeakDetector()


def watch_leaks() -> LeakDetector:
    """Start the detector of this process and return it."""
    detector.start()
    return detector


def leaks() -> list[Leak]:
    """The leaks found since `watch_leaks()`."""
    return detector.leaks()


def open_connections() -> list[OpenConnection]:
    """The connections that are checked out right now; empty unless `watch_leaks()` was called."""
    return detector.open_connections()
