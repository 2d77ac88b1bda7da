"""What the step does, in order."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from migrate_async.config import FILE_NAME
from migrate_async.index.scopes import Function
from migrate_async.model import plan as p
from migrate_async.model.diagnostic import Diagnostic
from migrate_async.model.selection import Selection
from migrate_async.plan.async_step.functions import ConvertedFunctions
from migrate_async.plan.async_step.grounds import Grounds
from migrate_async.plan.async_step.modules import ConvertedModules
from migrate_async.plan.async_step.sync_side import SyncSide
from migrate_async.plan.async_step.world import AsyncWorld
from migrate_async.plan.both_worlds.anchors import Anchors
from migrate_async.plan.both_worlds.collapse import Collapse
from migrate_async.plan.both_worlds.surroundings import Surroundings
from migrate_async.plan.collector import Collector
from migrate_async.plan.colouring.colour import Colouring
from migrate_async.plan.colouring.open_ends import open_ends
from migrate_async.plan.decisions import Decisions
from migrate_async.plan.hops import Hops
from migrate_async.plan.loads.dynamic import dynamic_reads
from migrate_async.plan.loads.edits import LoadEdits
from migrate_async.plan.loads.encoded import encoded_objects
from migrate_async.plan.loads.loading_readers import loading_readers
from migrate_async.plan.loads.reading_entries import giving_entries, reading_entries
from migrate_async.plan.loads.unknown_reads import UnknownReads
from migrate_async.plan.recolouring.blocking import BlockingWork
from migrate_async.plan.relationships import rows_added_late
from migrate_async.plan.transactions.expired_answers import expired_answers
from migrate_async.plan.translation import Translation


class AsyncStep:
    """Plans the steps `async` and `all`, and `tests` for an application that has migrated."""

    def __init__(
        self,
        around: Surroundings,
        selection: Selection,
        grounds: Grounds,
        whole: AsyncStep | None = None,
    ) -> None:
        """`whole` is the step for everything, of which this one does a part."""
        self._step = grounds.step
        self._queries = grounds.queries
        self._project = around.project
        self._world = AsyncWorld(around, selection, grounds)
        self._whole = whole

    @property
    def colouring(self) -> Colouring:
        """What this run does."""
        return self._world.colouring

    @property
    def application(self) -> Colouring:
        """What becomes of the application, whatever its tests do."""
        return self._world.verdicts.alone

    @property
    def blocking(self) -> BlockingWork:
        """What functions would run on the event loop."""
        return self._world.blocking

    @property
    def maker_of_sync(self) -> tuple[Function, Function] | None:
        """As that of the verdicts: why test suites stay as they are."""
        return self._world.verdicts.maker_of_sync

    def anchors(self) -> Anchors:
        """The sources of sessions that have to stay sync in this run, and all who take from it."""
        return self._world.anchors()

    def readers(self) -> dict[Function, p.Reason]:
        """Plain routes and dependencies for whose reads the mapping would have to change.

        They wait for their turn in threads, where their reads load what the sessions let them.
        """
        if not self._world.sessions_hop:
            return {}
        loads = self.loads
        giving = giving_entries(self._project, loads.analysis, loads.unknown.opaque)
        return {**dict(giving), **dict(reading_entries(loads.analysis))}

    def loading(self) -> dict[Function, p.Reason]:
        """What has to load by reading, in threads: what the mapping loads would be too old."""
        decisions = self.loads.analysis.decisions
        if not decisions.newly_mapped or not self._world.sessions_hop:
            return {}
        added = rows_added_late(self._project, self._world.effects, self.loads.analysis)
        return dict(loading_readers(self._project, decisions.always, added.uncertain()))

    def wants(self, function: Function) -> bool:
        """Whether `function` was selected, or is needed by what was."""
        return function in self._world.verdicts.wanted

    def run(self, collector: Collector) -> None:
        """Add everything that the step does to `collector`."""
        world = self._world
        Decisions(self._project, world.verdicts, world.environments).report(collector)
        collector.diagnostics += open_ends(
            self._project, filter(self.wants, self._project.functions)
        )
        collector.diagnostics += world.kept_sync.unused(self._project, FILE_NAME)
        if self._step is not p.Step.ASYNC:
            self._translation.add_to(collector)
        # Where nothing converts, nothing is needed of what the sources were looked for with.
        frontier = world.frontier if world.converted else world.new_frontier()
        collapse = Collapse(
            self._project,
            world.both,
            world.ties.handed,
            world.sync,
            world.shared.holders.holds,
        )
        collector.add_modules(collapse.plan().items())
        functions = ConvertedFunctions(world, world.idle, self.loads)
        if world.converted:
            for function in world.converted:
                functions.plan(collector, function)
            SyncSide(world, frontier).add_to(collector)
            collector.add_modules(world.idle.calls_in_tests())
            self._load(collector)
            ConvertedModules(world, self.loads).add_to(collector, functions.awaited_models)
            collector.add_modules(world.alembic.edits(asked=False))
        collector.add_modules(frontier.retirement.retire().items())
        is_lent = frontier.retirement.still_lends(collapse.lent) or bool(functions.lent)
        asked = frontier.needs.dependencies
        hops = Hops(world.around, world.becomes_async, frontier.lent_factories, asked)
        is_needed = (
            frontier.serves_kept or is_lent or world.readers_wait or world.drives_in_requests
        )
        collector.add_modules(hops.changes(needed=is_needed))
        for function in world.both.staying:
            if function.node is not None:
                collector.leave(function.module.path, function.node.span)

    @property
    def _translation(self) -> Translation:
        world = self._world
        return Translation(
            self._project,
            self._queries,
            world.verdicts,
            world.touches,
            world.sync,
            world.both,
            self.loads,
        )

    @cached_property
    def loads(self) -> LoadEdits:
        """What is loaded, and where, which must not depend on the order of the runs."""
        if self._whole is not None:
            return self._whole.loads
        lazily = self._world.settings.responses == "lazy"
        return LoadEdits(self._project, self._world.verdicts.full, lazily=lazily)

    def _load(self, collector: Collector) -> None:
        """Loader options for queries, other than those that are translated just now."""
        converts = self._world.converts
        collector.diagnostics += self.loads.diagnostics()
        sinks = self.loads.analysis.strict_sinks
        let_load = self.loads.unknown.let_load
        collector.diagnostics += dynamic_reads(self._project, self.colouring, sinks, let_load)
        collector.diagnostics += encoded_objects(self._project, self.loads.analysis.decisions)
        collector.add_modules(expired_answers(self._project, converts))
        collector.diagnostics += self._unknown_reads()
        collector.add_modules(self.loads.responses(converts))
        collector.add_modules(self.loads.imports(converts).items())
        collector.add_modules(self.loads.gets(converts).items())
        for head, options in self.loads.options(converts).items():
            path = self._project.function_of(head).module.path
            if not collector.translates(path, head.span):
                code = "".join(["{}", *(f".options({option})" for option in options)])
                edit = p.ReplaceExpression(span=head.span, codemod="eager-relationships", code=code)
                collector.add(path, [edit])

    def _unknown_reads(self) -> Iterator[Diagnostic]:
        """Reads that may load, in coroutines whose response does not let them."""
        unknown = self._project.shared(UnknownReads)
        lazy = self.loads.analysis.decisions.lazy
        for function in self._world.converted:
            is_served = function in lazy or self.loads.unknown.serve(function)
            if not is_served and not function.module.is_test:
                yield from unknown.told(function)
                yield from self.loads.unknown.opaque.told(function)
