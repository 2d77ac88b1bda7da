"""Functions that share a session object, or make one that others use: all stay sync or none."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.scopes import Function
from migrate_async.index.types import External
from migrate_async.knowledge.sqlalchemy import SESSIONS
from migrate_async.model.plan import LENDS, Reason
from migrate_async.plan.colouring.keeping.candidates import Candidates

_SESSION_NAMES = frozenset(name.rpartition(".")[2] for name in SESSIONS)


class Peers:
    """Tells which of the `candidates` share a session with what stays sync."""

    def __init__(self, candidates: Candidates) -> None:
        self._candidates = candidates
        self._kept = candidates.kept
        self._project = candidates.project
        self._sharing = candidates.bounds.sharing
        self._driven = candidates.bounds.driven
        self._constructors: dict[Function, bool] = {}

    def affected(self, function: Function) -> Iterator[Function]:
        """Functions whose verdict may change when `function` stays sync."""
        yield from self._sharing.peers(function)
        yield from self._sharing.made(function)
        yield from self._sharing.constructed(function)
        for maker in self._sharing.makers(function):
            if self._makes_session(maker) or self._only_makes(maker):
                yield maker

    def reason(self, function: Function) -> Reason | None:
        """Whoever shares its session object, or makes that, stays sync."""
        for peer in self._sharing.peers(function):
            if self._candidates.stays(peer):
                text = f"it shares a session or a query with {peer.qualname}, which stays sync"
                return Reason("shares-session", text, because_of=peer.qualname)
        for maker in self._sharing.makers(function):
            if self._candidates.stays(maker) and not self._driven.makes(maker, function):
                text = f"{maker.qualname} makes the object that holds its session and stays sync"
                return Reason("made-by-sync", text, because_of=maker.qualname)
        for init in self._sharing.constructors(function):
            if init in self._kept:
                text = f"{init.qualname} works on its session, and stays sync"
                return Reason("made-by-sync", text, because_of=init.qualname)
        return self._for_what_it_makes(function)

    def _for_what_it_makes(self, function: Function) -> Reason | None:
        """What works on the session of an object that it makes stays sync."""
        is_part, makes_session = self._only_makes(function), self._makes_session(function)
        for user in self._sharing.made(function) if is_part or makes_session else ():
            if user in self._kept:
                text = (
                    f"it gives its session to what {user.qualname} is of, which stays sync"
                    if is_part
                    else f"{user.qualname} stays sync on a session that it makes without a factory"
                )
                return Reason(LENDS, text, because_of=user.qualname)
        return None

    def _only_makes(self, function: Function) -> bool:
        """Whether it makes an object on the session of its own one, and runs no SQL."""
        because = self._candidates.coloured.get(function)
        is_idle = because is not None and because.code == LENDS
        return is_idle and self._sharing.is_kept(function)

    def _makes_session(self, function: Function) -> bool:
        """Whether it calls the class, `Session(engine)`: nothing tells that to serve threads."""
        known = self._constructors.get(function)
        if known is None:
            known = self._constructors[function] = any(
                call.name in _SESSION_NAMES
                and any(
                    isinstance(item, External) and item.dotted in SESSIONS
                    for item in self._project.infer(call.node.func, call.scope)
                )
                for call in function.calls
            )
        return known
