"""Who converts in this run, and who would if everything were selected.

The full colouring is where a migration ends; the partial one is where this run ends. What only the
partial one keeps is left as it is, apart from where it gets its session: its queries are translated
when it converts, so that the text of a function does not depend on the order of the runs.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.model.plan import LENDS, Reason
from migrate_async.model.selection import Selection
from migrate_async.plan.colouring.bounds import Bounds, Circumstances, Driven, Obstacle
from migrate_async.plan.colouring.choosing import Chooser
from migrate_async.plan.colouring.colour import Colouring, colour
from migrate_async.plan.colouring.cost import cheapest
from migrate_async.plan.colouring.driving import DrivenChooser
from migrate_async.plan.colouring.reach import reach
from migrate_async.plan.colouring.reasons import at_definition
from migrate_async.plan.colouring.selecting import roots
from migrate_async.plan.colouring.sharing import SharedSessions, Sharing
from migrate_async.plan.colouring.suite_obstacles import all_stay, makes_sync, suite_obstacles
from migrate_async.plan.colouring.suites import tests_take_part
from migrate_async.plan.colouring.touches import Touches
from migrate_async.plan.queries import Chain, QueryPlan

_NONE: frozenset[Function] = frozenset()
_UNDRIVEN = Driven()


@dataclass(frozen=True)
class Request:
    """What a run is asked for: a part of the application, and maybe twins, or its test suites."""

    selection: Selection
    keeps_both: bool = False
    tests: bool = False


@dataclass(frozen=True)
class Suites:
    """What keeps test suites sync.

    `are_sync`: whether they work on sessions that stay sync. `stuck` gives the tests of a colouring
    that run event loops and cannot, with the calls by which they do. `idle` tells which
    coroutines of one can as well be sync functions: they ask nothing of the tests.
    """

    are_sync: Callable[[], bool]
    stuck: Callable[[Colouring], Iterable[tuple[Function, str]]]
    idle: Callable[[Colouring], Callable[[Function], bool]]


@dataclass(eq=False)
class Verdicts:
    """The colourings of one run; the `copies` are sync sides that an earlier run made.

    `driving` chooses what converts although code that stays sync calls it; None: nothing does.
    """

    _project: Project
    _request: Request
    _touches: Touches
    _queries: QueryPlan
    _obstacle: Obstacle
    _shared: SharedSessions
    _circumstances: Circumstances
    _suites: Suites
    _copies: Container[Function]
    _driving: DrivenChooser | None = None

    @cached_property
    def full(self) -> Colouring:
        """As if everything were selected. Test suites take part only if they call what converts."""
        if self._driving is not None:
            return self._end(driven=self._driven_in_the_end)
        if not self._request.keeps_both:
            return self._plain
        return self._end(
            Chooser(self._project, self._queries, self._shared.holders).choose(self._end)
        )

    @property
    def _plain(self) -> Colouring:
        """The last colouring of all, with nothing kept twice or driven."""
        return self._together if self._suites_convert else self.alone

    @cached_property
    def _driven_in_the_end(self) -> Driven:
        if self._driving is None:
            return _UNDRIVEN
        return self._driving.choose(self._plain, lambda driven: self._end(driven=driven), _everyone)

    @cached_property
    def tests_stay(self) -> bool:
        """Whether test suites go on working on sync sessions in this run."""
        return self.is_partial or (self._takes_tests and not self._suites_convert)

    @cached_property
    def alone(self) -> Colouring:
        """Of the application, as if it had no tests."""
        return self._colour(self._obstacle, self._shared, ignore=_is_test)

    @cached_property
    def _together(self) -> Colouring:
        return self._colour(self._obstacle, self._shared, ignore=_nothing)

    @cached_property
    def _takes_tests(self) -> bool:
        return self._request.tests or tests_take_part(self._project, self.alone)

    @cached_property
    def _suites_convert(self) -> bool:
        """Whether they take part, and make no objects whose session stays sync.

        If they do, they stay sync, unless that would keep a coroutine of the application from
        getting the async session that it needs.
        """
        if not self._takes_tests or self._suites.are_sync():
            return False
        if not self._suite_obstacle:
            return True
        is_idle = self._suites.idle(self.alone)
        return any(
            function.is_async and self._together.converts(function) and not is_idle(function)
            for function in self.alone.kept
        )

    @cached_property
    def _suite_obstacle(self) -> tuple[Reason, ...]:
        """What in the suites has no async form; empty if all has."""
        if self.maker_of_sync is not None:
            return makes_sync(*self.maker_of_sync, self._together)
        if self._request.tests:  # this step tells, and does nothing then
            return ()
        found = suite_obstacles(self._project, self.alone, self._together, self._suites.stuck)
        return tuple(itertools.islice(found, 1))

    @property
    def why_tests_stay(self) -> tuple[Reason, ...]:
        """Why a test that calls what could convert keeps it sync, and what is behind that."""
        if not self._takes_tests:
            return all_stay("nothing that converts is called by them")
        if self._suites.are_sync():
            return all_stay("they open some with a factory that stays sync")
        if not self._suites_convert:
            return self._suite_obstacle
        return all_stay("they convert in the run that leaves nothing of the application to convert")

    def is_copy(self, function: Function) -> bool:
        """Whether an earlier run made `function`, for code that stays sync."""
        return function in self._copies

    @cached_property
    def maker_of_sync(self) -> tuple[Function, Function] | None:
        """The first test that makes an object with a session, and who keeps that session sync."""
        makers = (
            (function, member)
            for function in self._project.functions
            if _is_test(function)
            for member in self._shared.made(function)
            if member in self._together.kept
        )
        return next(makers, None)

    @cached_property
    def wanted(self) -> frozenset[Function]:
        """What was selected and what that needs."""
        selection = self._request.selection
        chosen = roots(self._project, selection, lambda: cheapest(self._project, self.full))
        if selection.is_everything:
            return chosen
        return reach(self._project, chosen, self._together_with)

    def _together_with(self, function: Function) -> Iterator[Function]:
        """What converts when `function` does: on its session object, or below its abstraction."""
        yield from self._shared.peers(function)
        yield from self._circumstances.ties.contracts.of(function)

    @cached_property
    def is_partial(self) -> bool:
        """Whether something that could convert is not wanted."""
        return any(
            self.full.converts(function)
            for function in self.full.coloured
            if function not in self.wanted and not _is_test(function)
        )

    def waits(self, function: Function) -> bool:
        """Whether a later run converts `function`, and this one does not."""
        return self.full.converts(function) and not self.colouring.converts(function)

    def may_convert_later(self, function: Function) -> bool:
        """As `waits`, or whether it changes with those that do."""
        return self.is_partial and function not in self.full.kept

    @cached_property
    def colouring(self) -> Colouring:
        """What this run does."""
        if not self.is_partial and not self.beside and not self._has_twins:
            return self.full
        return self._this_run(self.beside, self.driven)

    @cached_property
    def driven(self) -> Driven:
        """What converts in this run although code that stays sync calls it."""
        if self._driving is None or not self.is_partial:
            return self._driven_in_the_end
        return self._driving.choose(
            self._this_run(),
            lambda driven: self._this_run(driven=driven),
            lambda function: not self.full.converts(function),
        )

    @cached_property
    def beside(self) -> frozenset[Function]:
        """The functions that convert under another name in this run; their originals stay."""
        if not self._request.keeps_both:
            return frozenset()
        return self._chooser.choose(self._this_run, self._project.originals.twins)

    def why_both(self, function: Function) -> Reason:
        """What keeps the sync original of `function`, which is in `beside`."""
        return self._chooser.reasons[function]

    @property
    def _has_twins(self) -> bool:
        return bool(self._project.originals.twins)

    @cached_property
    def _chooser(self) -> Chooser:
        return Chooser(self._project, self._queries, self._shared.holders)

    def _end(self, beside: frozenset[Function] = _NONE, driven: Driven = _UNDRIVEN) -> Colouring:
        """The last colouring of all, with some functions kept twice, or driven by sync code."""
        ignore = _nothing if self._suites_convert else _is_test
        return self._colour(self._obstacle, self._shared, ignore, beside, driven)

    def _this_run(
        self, beside: frozenset[Function] = _NONE, driven: Driven = _UNDRIVEN
    ) -> Colouring:
        if not self.is_partial:
            return self._end(beside, driven)
        waiting: dict[Function, Reason] = {}

        def obstacle(function: Function, coloured: Mapping[Function, Reason]) -> Reason | None:
            return waiting.get(function) or self._unless_unwanted(function, coloured)

        while True:
            found = self._colour(obstacle, self, _is_test, beside, driven)
            left = self._left_builders(found)
            more = {
                peer: reason
                for function in left
                for peer, reason in self._on_its_session(function)
                if found.converts(peer)
            }
            if not more:
                return Colouring({**found.coloured, **left}, {**found.kept, **left})
            waiting |= more

    def _on_its_session(self, function: Function) -> Iterator[tuple[Function, Reason]]:
        """Who works on the session of the object for which `function` builds a legacy query."""
        for peer in self._shared.peers(function):
            text = f"{function.qualname} builds a query on its session, for what stays sync"
            yield peer, at_definition(peer, "shares-session", text, function)

    def translates(self, chain: Chain) -> bool:
        """Whether this run translates `chain`, as far as its functions are concerned."""
        return self._translates(self._sharing[chain.group])

    def translates_alone(self, function: Function) -> bool:
        """As `translates`, of what `function` executes without a query."""
        return self._translates((function,))

    def _translates(self, functions: Collection[Function]) -> bool:
        if not self.is_partial:
            return True
        if any(map(self.waits, functions)):
            return False
        return any(f in self.wanted or self._serves_now(f) for f in functions)

    def _serves_now(self, function: Function) -> bool:
        """Whether it gives async sessions from this run on, which nobody had to select it for."""
        return self._serves(function) and self.colouring.converts(function)

    def only_lends(self, function: Function) -> bool:
        """Whether `function` leaves its session to functions inside it that threads run.

        A coroutine may keep a sync session that way: `await run_in_threadpool(lambda: f(db))`.
        """
        if self._touches.of(function) or self._touches.chains(function):
            return False
        return not any(
            self._project.passes_session(site) or any(map(self._runs_here, site.targets))
            for site in self._project.calls(function)
            if site.kind not in ("dependency", "bridge")
        )

    def _runs_here(self, function: Function) -> bool:
        return function in self.colouring.kept

    # --- the partial colouring -----------------------------------------------------------------

    def _colour(
        self,
        obstacle: Obstacle,
        sharing: Sharing,
        ignore: Callable[[Function], bool],
        beside: frozenset[Function] = _NONE,
        driven: Driven = _UNDRIVEN,
    ) -> Colouring:
        bounds = Bounds(
            self._circumstances,
            obstacle,
            sharing,
            lambda function: function in self._copies or ignore(function),
            beside,
            driven,
        )
        return colour(self._project, self._touches, bounds)

    def _unless_unwanted(
        self, function: Function, coloured: Mapping[Function, Reason]
    ) -> Reason | None:
        reason = self._obstacle(function, coloured)
        if reason is None and not function.is_async and function not in self.full.coloured:
            text = "it only makes what stays sync for now, and has nothing to await in the end"
            return at_definition(function, LENDS, text)
        if reason is not None or function in self.wanted or self._serves(function):
            return reason
        return at_definition(function, "not-selected", "it is not part of what was selected")

    def _serves(self, function: Function) -> bool:
        """`get_db` serves whatever is selected."""
        return function in self._project.session_dependencies

    def peers(self, function: Function) -> Iterable[Function]:
        """A query that several functions work on is translated in all of them or in none."""
        yield from self._shared.peers(function)
        for group in self._groups_of.get(function, ()):
            for other in self._sharing[group]:
                if other is not function and self.full.converts(other):
                    yield other

    def is_kept(self, function: Function) -> bool:
        return self._shared.is_kept(function)

    def makers(self, function: Function) -> Iterable[Function]:
        return self._shared.makers(function)

    def constructors(self, function: Function) -> Iterable[Function]:
        return self._shared.constructors(function)

    def constructed(self, function: Function) -> Iterable[Function]:
        return self._shared.constructed(function)

    def made(self, function: Function) -> Iterable[Function]:
        return self._shared.made(function)

    def _left_builders(self, found: Colouring) -> dict[Function, Reason]:
        """Functions that only build a query for one that stays sync: they need its session."""
        left: dict[Function, Reason] = {}
        pending: list[tuple[Function, Function]] = []
        for functions in self._sharing.values():
            waiting = [f for f in functions if self.full.converts(f) and not found.converts(f)]
            if waiting:
                pending += [(function, waiting[0]) for function in functions]
        while pending:
            function, waiting_for = pending.pop()
            if function in found.coloured or function in left or function.is_module:
                continue
            text = f"it builds a query for {waiting_for.qualname}, which stays sync"
            left[function] = at_definition(function, "shares-query", text, waiting_for)
            pending += [(site.function, function) for site in self._project.callers(function)]
        return left

    @cached_property
    def _sharing(self) -> dict[int, dict[Function, None]]:
        """The functions of each group of queries."""
        found: dict[int, dict[Function, None]] = {}
        for chain in self._queries.chains:
            found.setdefault(chain.group, {})[chain.function] = None
        return found

    @cached_property
    def _groups_of(self) -> dict[Function, list[int]]:
        found: dict[Function, list[int]] = {}
        for group, functions in self._sharing.items():
            for function in functions:
                found.setdefault(function, []).append(group)
        return found


def _everyone(_function: Function) -> bool:
    return True


def _is_test(function: Function) -> bool:
    return function.module.is_test


def _nothing(_function: Function) -> bool:
    return False
