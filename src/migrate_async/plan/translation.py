"""Queries in 2.0 style, on the way of everything to async."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.plan.both_worlds.sync_world import SyncWorld
from migrate_async.plan.collector import Collector
from migrate_async.plan.colouring.touches import Touches
from migrate_async.plan.colouring.verdicts import Verdicts
from migrate_async.plan.keep_both.edits import KeptBoth
from migrate_async.plan.loads.edits import LoadEdits
from migrate_async.plan.queries import FunctionQueries, Queries


@dataclass(frozen=True, eq=False)
class Translation:
    """Chooses the queries whose functions take part."""

    project: Project
    queries: Queries
    verdicts: Verdicts
    touches: Touches
    world: SyncWorld
    both: KeptBoth
    loads: LoadEdits

    def add_to(self, collector: Collector) -> None:
        """Queries: awaited in converted functions, in sync 2.0 style everywhere else."""
        queries = self.queries.plan(
            awaited=self.verdicts.colouring.converts,
            loads=self.loads.options(self.verdicts.colouring.converts),
        )
        # Before Python 3.12 nobody knows where in the text a part of an f-string stands.
        unplaced = {
            chain.group
            for chain in queries.chains
            if self.touches.query_in_f_string(chain.function)
        }
        built = self._builders()
        groups = {
            chain.group
            for chain in queries.chains
            if (self.world.takes_part(chain.function.module) or chain.function in built)
            and chain.group not in unplaced
            and self.verdicts.translates(chain)
        }
        taken = {chain.function for chain in queries.chains if chain.group in groups}
        for function, found in queries.functions.items():
            if function in self.both.staying:
                continue
            if function in taken or (not found.chains and self._follows(function, found, taken)):
                collector.add_queries(queries, function)

    def _follows(
        self, function: Function, found: FunctionQueries, taken: AbstractSet[Function]
    ) -> bool:
        """Whether a function without a query hands a session to one of `taken`, or has raw SQL."""
        sites = (*self.project.calls(function), *self.project.bridges(function))
        if not taken.isdisjoint(target for site in sites for target in site.targets):
            return True
        takes_part = self.world.takes_part(function.module)
        return takes_part and not found.hands_on and self.verdicts.translates_alone(function)

    def _builders(self) -> frozenset[Function]:
        """Functions that hand a converted function a query that they did not run."""
        return frozenset(
            target
            for function in self.verdicts.colouring.coloured
            if self.verdicts.colouring.converts(function)
            for site in self.project.calls(function)
            for target in site.targets
            if target not in self.verdicts.colouring.coloured
        )
