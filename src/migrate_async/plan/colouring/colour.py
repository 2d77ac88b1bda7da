"""Which functions become coroutines.

Two fix-points over the call graph. The *least* one (`spreading`) collects the coloured functions:
those that touch a sync session (or engine, connection, query) and, transitively, their callers. The
*greatest* one (`keeping`) picks which of them convert: a function drops out when something forbids
`async def` (`obstacles`) or when a caller that stays sync calls it directly, for a sync function
cannot await. What drops out is kept: it goes on working on the same session (see
`plan.both_worlds.frontier`).

Whoever runs a kept function has to know of it, also where no call says so: a lambda that `sorted`
is given, a property that is read, a session of the function around. So kept functions colour those
that run them, and both fix-points are sought again until nothing is added.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import msgspec

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.model.plan import LENDS, Reason
from migrate_async.plan.colouring.bounds import Bounds
from migrate_async.plan.colouring.keeping.keeper import Keeper
from migrate_async.plan.colouring.reasons import at_definition, calls, hands_on
from migrate_async.plan.colouring.spreading import coloured, spreads
from migrate_async.plan.colouring.touches import Touches

_BY_SYNTAX = ("property", "dunder", "init", "validator")
"""Boundaries of functions that work on the session at hand; tasks and commands open their own.

So do others on the session that an object keeps, or that they are given.
"""


@dataclass(frozen=True)
class Colouring:
    """`coloured` says why each function runs SQL, `kept` why one of them stays sync."""

    coloured: Mapping[Function, Reason] = field(default_factory=dict)
    kept: Mapping[Function, Reason] = field(default_factory=dict)

    def converts(self, function: Function) -> bool:
        """Whether `function` becomes (or already is) a coroutine on an async session."""
        return function in self.coloured and function not in self.kept


def colour(project: Project, touches: Touches, bounds: Bounds) -> Colouring:
    """The colouring of `project`."""
    seeds = dict(bounds.circumstances.seeds)
    contracts = bounds.circumstances.ties.contracts
    first: Mapping[Function, Reason] = {}
    running: Mapping[Function, Reason] = {}
    while True:
        found = coloured(project, touches, bounds.ignore, seeds, contracts)
        running = running or found
        found |= running  # what runs SQL does so for its own reason, whomever it lends a session
        found |= _only_giving(found, running)
        run = Keeper(project, found, bounds).run()
        first = kept = {function: first.get(function, reason) for function, reason in run.items()}
        more = dict(_unaware(project, touches, found, kept, bounds))
        if not more:
            return Colouring(found, kept)
        seeds |= more


def _only_giving(
    found: Mapping[Function, Reason], running: Mapping[Function, Reason]
) -> dict[Function, Reason]:
    """Properties that read what only lends a session, and run no SQL: they do the same."""
    return {
        function: msgspec.structs.replace(reason, code=LENDS)
        for function, reason in found.items()
        if function not in running and function.boundary == "property" and not function.is_async
    }


def _unaware(
    project: Project,
    touches: Touches,
    found: Mapping[Function, Reason],
    kept: Mapping[Function, Reason],
    bounds: Bounds,
) -> Iterator[tuple[Function, Reason]]:
    """Functions that run a kept one and are not coloured yet, with the reason why they are."""
    for function in kept:
        for runner, reason in _runners(project, touches, function, bounds):
            if runner not in found and not runner.is_module and not bounds.ignore(runner):
                yield runner, reason


def _runners(
    project: Project, touches: Touches, function: Function, bounds: Bounds
) -> Iterator[tuple[Function, Reason]]:
    is_lent = (
        function.boundary in _BY_SYNTAX
        or bounds.sharing.is_kept(function)
        or touches.loads_what_it_is_given(function)
    )
    for site in project.callers(function):
        lends = is_lent or project.passes_session(site)
        if lends and spreads(site):
            yield site.function, calls(site, function)
    for callback in bounds.circumstances.ties.callbacks.of(function):
        yield callback.host, hands_on(callback)
    for maker in bounds.sharing.makers(function):
        is_of_object = bounds.sharing.is_kept(maker)
        if is_of_object or any(map(project.passes_session, project.callers(maker))):
            text = f"it makes the object that holds the session of {function.qualname}"
            yield maker, at_definition(maker, LENDS, text, function)
    for peer in bounds.sharing.peers(function):
        text = f"{function.qualname} uses its session"
        yield peer, at_definition(peer, LENDS, text, function)
