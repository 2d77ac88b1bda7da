"""The functions that convert: their sessions, what they await, what they read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function, Module
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.async_sources import unnamed_factories
from migrate_async.plan.async_step.world import AsyncWorld
from migrate_async.plan.both_worlds.idle_coroutines import IdleCoroutines
from migrate_async.plan.collector import Collector
from migrate_async.plan.colouring.obstacles import is_inside
from migrate_async.plan.driver_habits import driver_habit_edits
from migrate_async.plan.driver_members import driver_member_edits
from migrate_async.plan.driver_types import driver_type_edits
from migrate_async.plan.driver_values import driver_value_edits
from migrate_async.plan.loads.accesses import awaitable_edits, can_await
from migrate_async.plan.loads.computed_names import computed_reads
from migrate_async.plan.loads.edits import LoadEdits
from migrate_async.plan.loads.statements import Statements
from migrate_async.plan.module_edits import ModuleEdits
from migrate_async.plan.object_sessions import object_session_edits
from migrate_async.plan.recolouring.awaits import Awaiter
from migrate_async.plan.recolouring.bridging import Bridges
from migrate_async.plan.recolouring.lending import Lending
from migrate_async.plan.testing.pytest_support import pytest_edits, takes_fixtures
from migrate_async.plan.transactions.after_commit import Refreshes
from migrate_async.plan.transactions.after_flush import Flushed
from migrate_async.plan.transactions.after_rollback import Rollbacks
from migrate_async.plan.transactions.left_stale import LeftStale
from migrate_async.plan.transactions.rolling_back import RollingBack
from migrate_async.plan.transactions.same_statement import SameStatement


class ConvertedFunctions:
    """Plans them, one after the other."""

    def __init__(self, world: AsyncWorld, idle: IdleCoroutines, loads: LoadEdits) -> None:
        self._world = world
        self._project = world.project
        self._idle = idle
        self._loads = loads
        values = Statements(world.project)
        self._refreshes = Refreshes(world.project, world.effects, values)
        self._left_stale = LeftStale(world.project, world.effects, values)
        rolling = RollingBack(world.project, world.effects)
        self._same_statement = same = SameStatement(world.project, world.effects, rolling)
        self._rollbacks = Rollbacks(world.project, values, world.effects, rolling, same)
        self._flushed = Flushed(world.project, world.effects)
        self.awaited_models: dict[Class, None] = {}
        """Those of which a relationship is awaited: they need `AsyncAttrs`."""
        self.lent = 0
        """How many sessions functions lend to what stays sync."""

    def plan(self, collector: Collector, function: Function) -> None:
        """Add everything that makes `function` a coroutine."""
        path = function.module.path
        for edits in unnamed_factories(self._project, function, self._world.requeries.expire_late):
            collector.add_module(function.module, edits)
        sessions = self._world.own_sessions_of(function)
        collector.add(path, sessions.edits, sessions.imports, sessions.unneeded)
        self._world.begin_queries(collector, function, sessions.edits)
        collector.count("sessions", sessions.sessions)
        found = self._awaiter.plan(function, sessions.gone)
        collector.add(path, found.edits, found.imports, found.unneeded)
        collector.count("awaits", found.awaits)
        collector.count("bridges", found.bridges)
        collector.count("threads", found.threads)
        collector.diagnostics += found.diagnostics
        self.lent += found.lent
        collector.add_module(function.module, self._world.both.split(function))
        self._attributes(collector, function, sessions.gone, found.sync_spans)
        for edits in for_driver(self._project, function):
            collector.add_module(function.module, edits)
        collector.add_module(function.module, object_session_edits(self._project, function))
        if takes_fixtures(function):
            collector.add_module(function.module, pytest_edits(function))

    @cached_property
    def _awaiter(self) -> Awaiter:
        world = self._world
        return Awaiter(
            world.around, world.touches, world.both, world.sync.holds_kept, self._bridges
        )

    @cached_property
    def _bridges(self) -> Bridges:
        world = self._world
        lending = Lending(
            self._project,
            world.colouring,
            world.ties.handed,
            self._idle.__contains__,
            hops=world.factories_make_all,
        )
        return Bridges(self._project, world.touches, world.colouring, world.blocking, lending)

    def _attributes(
        self,
        collector: Collector,
        function: Function,
        gone: frozenset[s.AnyNode],
        sync_spans: Iterable[s.Span],
    ) -> None:
        """Relationship reads and values that the commit changes."""
        path = function.module.path
        accesses = self._world.accesses.of(function)
        awaited = {access.node for access in accesses}
        for access in accesses:
            is_sync = any(is_inside(access.node.span, span) for span in sync_spans)
            if access.node in gone or is_sync:
                continue
            if can_await(self._project, access.node, function):
                collector.add(path, awaitable_edits(self._project, access))
                collector.count("awaits")
                self.awaited_models[access.model] = None
        for node, model in self._same_statement.reads(function).items():
            is_sync = any(is_inside(node.span, span) for span in sync_spans)
            is_done = node in awaited or node in gone or is_sync
            if not is_done and can_await(self._project, node, function):
                collector.add(path, [p.AwaitAttribute(span=node.span, codemod="async-colour")])
                self.awaited_models[model.cls] = None
        collector.diagnostics += self._same_statement.told(function)
        for read in computed_reads(self._project, function):
            is_sync = any(is_inside(read.call.span, span) for span in sync_spans)
            if read.call not in gone and not is_sync:
                collector.add(path, read.edits)
                self.awaited_models.update(dict.fromkeys(read.models))
        collector.add(path, self._refreshes.edits(function, gone))
        collector.diagnostics += self._left_stale.messages(function)
        collector.add(path, self._flushed.edits(function, gone))
        reloads = self._rollbacks.reloads(function, gone)
        collector.add(path, reloads.edits)
        self.awaited_models.update(reloads.models)
        loads = self._loads.awaits(function)
        collector.add(path, loads.edits)
        self.awaited_models.update(loads.models)


def for_driver(project: Project, function: Function) -> Iterator[ModuleEdits]:
    """What the async driver takes otherwise than the sync one, in whatever runs SQL on it."""
    yield driver_type_edits(project, function)
    yield driver_member_edits(project, function)
    yield driver_value_edits(project, function)
    yield driver_habit_edits(project, function)


def for_criteria(world: AsyncWorld) -> Iterator[tuple[Module, ModuleEdits]]:
    """Functions without a session may make what those that have one execute."""
    done = {*world.converted, *world.sync.staying}
    if not any(map(world.becomes_async, world.project.engines)):
        return
    for function in world.project.functions:
        if function not in done and world.is_of_application(function.module):
            yield function.module, driver_type_edits(world.project, function)
            yield function.module, driver_member_edits(world.project, function)
