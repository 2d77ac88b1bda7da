"""What binds functions to one that stays sync though neither calls the other.

One hands the other on, or a session; pytest gives it a fixture; an abstract method stands for both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from migrate_async.index.scopes import Function
from migrate_async.model.plan import Reason
from migrate_async.plan.colouring.callbacks import Callback
from migrate_async.plan.colouring.handed_sessions import HandedSession
from migrate_async.plan.colouring.keeping.candidates import Candidates
from migrate_async.plan.colouring.reasons import at_definition, hands_on


class TiedFunctions:
    """Tells which of the `candidates` are tied to what stays sync."""

    def __init__(self, candidates: Candidates) -> None:
        self._candidates = candidates
        self._kept = candidates.kept
        self._ties = candidates.bounds.circumstances.ties
        self._beside = candidates.bounds.beside
        self._handed: dict[Function, Callback] = {}
        """Who hands a function that stays sync to something that calls it at once."""

    def affected(self, function: Function) -> Iterator[Function]:
        """Functions whose verdict may change when `function` stays sync, which is remembered."""
        yield from self._ties.contracts.of(function)
        yield from self._takers(function)
        for callback in self._ties.callbacks.of(function):
            self._handed.setdefault(callback.host, callback)
            yield callback.host
        yield from (place.guest for place in self._ties.handed.by(function))
        for place in self._ties.handed.of(function):
            yield from (other.guest for other in self._ties.handed.by(place.host))

    def reason(self, function: Function) -> Reason | None:
        """What it hands on or is given stays sync."""
        for fixture in self._sources(function):
            if fixture in self._kept:
                text = f"its session comes from {fixture.qualname}, which stays sync"
                return at_definition(function, "session-from-sync", text, fixture)
        return self._handing(function)

    def _handing(self, function: Function) -> Reason | None:
        """What it hands on, or who hands it on, may stay sync."""
        if function in self._handed:
            return hands_on(self._handed[function])
        for place in self._ties.handed.of(function):
            if self._hands_sync_session(place.host):
                return _hands_session(place)
        return None

    def bound(self, function: Function) -> Reason | None:
        """An abstract method stands for it and for one that stays sync."""
        for other in self._ties.contracts.of(function) if function not in self._beside else ():
            if other in self._kept and not self._candidates.is_split(function, other):
                text = f"a call may also reach {other.qualname}, which stays sync"
                return Reason("family-kept", text, because_of=other.qualname)
        return None

    def _hands_sync_session(self, host: Function) -> bool:
        """Whether the session that `host` hands on is sync: it stays sync, or one who gets it."""
        if host in self._candidates.coloured or self._candidates.bounds.ignore(host):
            return self._candidates.stays(host)
        return any(place.guest in self._kept for place in self._ties.handed.by(host))

    def _takers(self, fixture: Function) -> Iterable[Function]:
        """Who gets the session of `fixture`, also from one that only hands it on."""
        return self._handed_along(fixture, self._ties.fixtures.takers)

    def _sources(self, user: Function) -> Iterable[Function]:
        """The fixtures that `user` gets a session from, also through such ones."""
        return self._handed_along(user, self._ties.fixtures.of)

    def _handed_along(
        self, function: Function, next_to: Callable[[Function], Iterable[Function]]
    ) -> Iterable[Function]:
        found: dict[Function, None] = {}
        pending = list(next_to(function))
        while pending:
            other = pending.pop()
            if other not in found:
                found[other] = None
                pending += () if other in self._candidates.coloured else next_to(other)
        return found


def _hands_session(place: HandedSession) -> Reason:
    text = f"{place.host.qualname} hands it a session and stays sync"
    path, line = place.host.module.path, place.node.line
    return Reason("handed-by-sync", text, path, line, place.host.qualname)
