"""Which functions get an async twin.

A helper that stays sync only because sync code calls it too is converted under another name; its
sync original stays. What the original calls has to stay sync as well, or to be kept twice itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function
from migrate_async.index.sites import CallSite
from migrate_async.knowledge.shim import TWIN_SUFFIX
from migrate_async.model.plan import Reason
from migrate_async.plan.colouring.colour import Colouring
from migrate_async.plan.colouring.helpers import is_helper, source_names
from migrate_async.plan.colouring.holders import Holders
from migrate_async.plan.names import names_in
from migrate_async.plan.queries import QueryPlan
from migrate_async.plan.twin_names import callee, can_name

Beside = frozenset[Function]
Colour = Callable[[Beside], Colouring]


@dataclass(eq=False)
class Chooser:
    """Chooses for one project."""

    _project: Project
    _queries: QueryPlan
    _holders: Holders
    reasons: Mapping[Function, Reason] = field(default_factory=dict)
    """Why functions stay sync where nothing is kept twice."""

    def choose(self, colour: Colour, taken: Iterable[Function] = ()) -> Beside:
        """The largest set of twins that hold together; `colour` colours with a set of them.

        Those in `taken` have one already.
        """
        plain = colour(frozenset()).kept
        held = {f for f, reason in plain.items() if reason.code == "called-by-sync"}
        beside = frozenset(filter(self._may_split, held - set(taken)))
        self.reasons = plain
        while beside:
            found = colour(beside)
            fitting = frozenset(f for f in beside if self._fits(f, found, beside))
            if fitting == beside:
                fitting = self._needed(found, beside)
            if fitting == beside:
                break
            beside = fitting
        return beside

    # --- by itself -----------------------------------------------------------------------------

    def _may_split(self, function: Function) -> bool:
        """Whether there can be two of it: it takes its session as an argument, for one."""
        if function in self._project.originals.twins:
            return True
        return (
            is_helper(function)
            and self._is_at_the_top(function)
            and self._takes_session(function)
            and names_in(function).isdisjoint(self._project.shared(source_names))
            and not self._shares_query(function)
            and not any(site.function.is_module for site in self._project.callers(function))
        )

    def _is_at_the_top(self, function: Function) -> bool:
        """Whether it is alone under its name in a module or class, and that of a twin is free."""
        scope, twin = function.scope.parent, f"{function.name}{TWIN_SUFFIX}"
        if scope is None or scope.kind not in ("module", "class"):
            return False
        if len(scope.names.get(function.name, ())) != 1 or twin in scope.names:
            return False
        relatives = self._relatives(function.cls) if function.cls is not None else ()
        return all(twin not in cls.scope.names for cls in relatives)

    def _takes_session(self, function: Function) -> bool:
        if function.cls is not None and self._holders.holds(function.cls):
            return False
        return self._project.takes_session(function, "sync")

    def _shares_query(self, function: Function) -> bool:
        """Whether a query in it is built or run by another function, too."""
        return any(self._groups[group] != {function} for group in self._groups_of(function))

    def _groups_of(self, function: Function) -> Iterator[int]:
        return (group for group, functions in self._groups.items() if function in functions)

    @cached_property
    def _groups(self) -> dict[int, set[Function]]:
        found: dict[int, set[Function]] = {}
        for chain in self._queries.chains:
            found.setdefault(chain.group, set()).add(chain.function)
        return found

    # --- together ------------------------------------------------------------------------------

    def _fits(self, function: Function, found: Colouring, beside: Beside) -> bool:
        """Whether it converts, with its overrides, and each coroutine that calls it can say so."""
        if function in found.kept or not beside.issuperset(self._family(function)):
            return False
        return all(
            self._can_call(site, function, found, beside)
            for site in self._sites(function)
            if self._is_async(site.function, found)
        )

    def _can_call(
        self, site: CallSite, function: Function, found: Colouring, beside: Beside
    ) -> bool:
        if site.kind == "dependency":
            return True  # it goes on getting the sync original
        if function in self._project.originals.twins:
            return True
        others = [target for target in site.targets if target in found.coloured]
        return (
            site.kind in ("call", "bridge")
            and all(other in beside and other.name == function.name for other in others)
            and can_name(self._project, site, function)
        )

    def _is_async(self, caller: Function, found: Colouring) -> bool:
        if caller.is_lambda and caller.scope.parent is not None:
            return self._is_async(caller.scope.parent.function, found)
        return caller.is_async or found.converts(caller)

    def _sites(self, function: Function) -> Iterator[CallSite]:
        yield from dict.fromkeys(
            [*self._project.callers(function), *self._project.bridges_to(function)]
        )

    def _needed(self, found: Colouring, beside: Beside) -> Beside:
        """Those that a coroutine calls, or another twin."""
        needed: set[Function] = set()
        pending = [
            function
            for function in beside
            if any(
                self._is_async(site.function, found) and site.function not in beside
                for site in self._sites(function)
                if site.kind != "dependency" and callee(site) is not None
            )
        ]
        while pending:
            function = pending.pop()
            if function in needed:
                continue
            needed.add(function)
            for site in (*self._project.calls(function), *self._project.bridges(function)):
                pending += [target for target in site.targets if target in beside]
            pending += self._family(function)
        return frozenset(needed)

    def _family(self, function: Function) -> list[Function]:
        """The methods of the same name in classes above and below."""
        if function.cls is None:
            return []
        family = self._project.family(function)
        return [other for other in family if other is not function]

    def _relatives(self, cls: Class) -> Iterator[Class]:
        yield from self._project.mro(cls)
        yield from self._project.subclasses(cls)
