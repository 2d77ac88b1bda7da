"""Drops functions from the converted ones until no verdict changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.model.plan import Reason
from migrate_async.plan.colouring.bounds import Bounds
from migrate_async.plan.colouring.keeping.callees import Callees
from migrate_async.plan.colouring.keeping.callers import Callers
from migrate_async.plan.colouring.keeping.candidates import Candidates
from migrate_async.plan.colouring.keeping.peers import Peers
from migrate_async.plan.colouring.keeping.ties import TiedFunctions


class Keeper:
    """Finds which of the coloured functions stay sync."""

    def __init__(
        self, project: Project, coloured: Mapping[Function, Reason], bounds: Bounds
    ) -> None:
        self._project = project
        self._coloured = coloured
        self._obstacle = bounds.obstacle
        candidates = Candidates(project, coloured, bounds)
        self._kept = candidates.kept
        self._peers = Peers(candidates)
        self._callees = Callees(candidates)
        self._callers = Callers(candidates)
        self._tied = TiedFunctions(candidates)

    def run(self) -> dict[Function, Reason]:
        """Those, each with the reason that was found first."""
        for function in self._coloured:
            reason = self._obstacle(function, self._coloured)
            if reason is not None:
                self._kept[function] = reason
        pending = list(reversed(list(self._coloured)))
        free: set[Function] = set()
        """Those that nothing keeps, unless more stays sync that concerns them."""
        told: set[Function] = set()
        while pending:
            function = pending.pop()
            if function in told or function in free:
                continue
            if not self._stays(function):
                free.add(function)
                continue
            told.add(function)
            for other in self._affected(function):
                if other in self._coloured and other not in self._kept:
                    free.discard(other)
                    pending.append(other)
        return dict(sorted(self._kept.items(), key=lambda item: item[0].position))

    def _stays(self, function: Function) -> bool:
        """Whether `function` is kept, or has to be by now."""
        if function not in self._kept:
            reason = self._reason(function)
            if reason is None:
                return False
            self._kept[function] = reason
        return True

    def _affected(self, function: Function) -> Iterator[Function]:
        """Functions whose verdict may change when `function` stays sync."""
        yield from self._peers.affected(function)
        yield from self._tied.affected(function)
        for site in self._project.calls(function):
            yield from site.targets
        for site in self._project.callers(function):
            yield site.function
            yield from site.targets
        for site in self._project.bridges_to(function):
            yield from site.targets

    def _reason(self, function: Function) -> Reason | None:
        return (
            self._peers.reason(function)
            or self._callees.reason(function)
            or self._tied.reason(function)
            or self._callers.reason(function)
            or self._tied.bound(function)
            or self._callers.bridged_with(function)
            or self._callers.for_nothing(function)
            or self._callers.around_nothing(function)
        )
