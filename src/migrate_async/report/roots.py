"""What keeps most functions of a plan sync: where the chains of their reasons end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from migrate_async.model.plan import (
    LENDS,
    SUITE_STAYS,
    FunctionDecision,
    Plan,
    Reason,
    Verdict,
)
from migrate_async.report.words import counted

_SYNC = frozenset({Verdict.KEEP.value, Verdict.BRIDGE.value})


@dataclass(frozen=True)
class Root:
    """A function that stays sync for a reason of its own, with how many do because of it.

    :ivar functions: those, and itself if it is none of the tests.
    :ivar routes: how many of these are routes.
    """

    decision: FunctionDecision
    reason: Reason
    functions: int
    routes: int

    @property
    def extent(self) -> str:
        """How many functions and routes, in words."""
        functions = counted(self.functions, "function")
        routes = f", {counted(self.routes, 'route')} among them" if self.routes else ""
        return f"{functions}{routes}"


def roots(plan: Plan) -> list[Root]:
    """The functions that keep others sync, that which keeps the most first.

    Each function counts once, for the first reason that it has.
    """
    kept = [found for found in plan.functions if found.verdict in _SYNC]
    tests = [found for found in plan.others if found.reasons[0].code == SUITE_STAYS]
    stays = {found.function: found for found in (*tests, *kept)}
    ends: dict[str, list[FunctionDecision]] = {}
    for decision in kept:
        ends.setdefault(_end(decision, stays), []).append(decision)
    found = [_root(stays[name], for_it) for name, for_it in ends.items() if _keeps(name, for_it)]
    return sorted(found, key=lambda root: (-root.functions, -root.routes, root.decision.function))


def _keeps(name: str, kept: list[FunctionDecision]) -> bool:
    return any(found.function != name for found in kept)


def _root(decision: FunctionDecision, kept: list[FunctionDecision]) -> Root:
    routes = sum(bool(found.route) for found in kept)
    return Root(decision, decision.reasons[0], len(kept), routes)


def _end(decision: FunctionDecision, stays: Mapping[str, FunctionDecision]) -> str:
    """The last function on the way; of a circle the first by its name."""
    way = list(_way(decision, stays))
    onward = _onward(stays[way[-1]], stays)
    return min(way[way.index(onward) :]) if onward else way[-1]


def _way(decision: FunctionDecision, stays: Mapping[str, FunctionDecision]) -> Iterator[str]:
    """The names from `decision` on, each the reason of the one before it, each once."""
    seen: set[str] = set()
    name = decision.function
    while name and name not in seen:
        seen.add(name)
        yield name
        name = _onward(stays[name], stays)


def _onward(decision: FunctionDecision, stays: Mapping[str, FunctionDecision]) -> str:
    """The function that `decision` stays sync because of; empty at the end of the way.

    What runs no SQL, and only hands a session on to what stays sync, is no reason by itself.
    """
    first, *others = decision.reasons or (Reason("", ""),)
    because_of = first.because_of
    if not because_of and others and others[-1].code == LENDS:
        because_of = others[0].because_of
    return because_of if because_of in stays else ""
