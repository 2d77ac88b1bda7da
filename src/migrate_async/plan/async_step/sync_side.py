"""What code that stays sync gets in the place of the sessions, factories and engines it had."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.scopes import Function
from migrate_async.model import syntax as s
from migrate_async.plan.annotations import annotation_edits
from migrate_async.plan.async_step.functions import for_driver
from migrate_async.plan.async_step.world import AsyncWorld
from migrate_async.plan.both_worlds.frontier import Frontier
from migrate_async.plan.collector import Collector
from migrate_async.plan.colouring.handovers import hands_source
from migrate_async.plan.colouring.inspections import inspection
from migrate_async.plan.colouring.passed import passed_source, reflects
from migrate_async.plan.colouring.touches import INSPECTION
from migrate_async.plan.listeners import Listeners
from migrate_async.plan.recolouring.driven_calls import driven_calls, driven_objects
from migrate_async.plan.recolouring.lifespan import tables_at_import
from migrate_async.plan.registry import registrations, removal
from migrate_async.plan.sessions import Constructors, has_resolver


class SyncSide:
    """Plans that along the `frontier` of one run."""

    def __init__(self, world: AsyncWorld, frontier: Frontier) -> None:
        self._world = world
        self._project = world.project
        self._frontier = frontier

    def add_to(self, collector: Collector) -> None:
        """Add all of it but what it needs, which is known only then."""
        for function in self._world.converted:
            self._restore(collector, function)
        for function in self._world.sync.staying:
            if function not in self._world.environments:
                found = self._frontier.repoint(function)
                collector.add_module(function.module, found)
                self._world.begin_queries(collector, function, found.edits)
                # Its session is the sync side of an async one, on the same driver.
                for edits in for_driver(self._project, function):
                    collector.add_module(function.module, edits)
        for cls in self._project.classes:
            if self._world.sync.holds_kept(cls):
                collector.add_module(cls.module, self._frontier.repoint_class(cls))
            elif self._world.sync.converts_class(cls):
                restored = self._frontier.retirement.restore_class(cls)
                collector.add_module(cls.module, restored)
        for module, call in self._world.shared.processes.in_classes():
            collector.add_module(module, self._frontier.repoint_call(module, call))
        self._made_of_factories(collector)
        self._handed_engines(collector)
        self._tables_at_import(collector)
        for path, span, old, new in self._frontier.moved:
            collector.change_session(path, span, old, new)
        self._scoped(collector)
        self._carriers(collector)
        self._givers(collector)
        self._constructors(collector)
        self._driven(collector)
        collector.add_modules(self._frontier.inner.edits().items())
        collector.add_modules(self._frontier.offers.plan().items())
        listeners = Listeners(self._project, self._world.becomes_async, self._world.converts)
        collector.add_modules(listeners.edits(self._frontier.needs.variables))

    def _restore(self, collector: Collector, function: Function) -> None:
        """Take back what an earlier run gave a function that converts, but for what it passes."""
        gone = self._world.own_sessions_of(function).gone.union(self._inspected(function))
        for given in self._world.given_by(function):
            collector.add_module(function.module, self._frontier.repoint_given(function, given))
        lent = self._lent_factories(function)
        self._requote(collector, function)
        restored = self._frontier.retirement.restore(function, gone, lent)
        collector.add_module(function.module, restored)
        self._world.begin_queries(collector, function, restored.edits)

    def _requote(self, collector: Collector, function: Function) -> None:
        """Let annotations in quotes name what they did, whatever else is to be in there."""
        requoted = self._frontier.retirement.requote(function)
        for edit in requoted.edits:
            collector.leave(function.module.path, edit.span)
        collector.add_module(function.module, requoted)

    def _inspected(self, function: Function) -> Iterator[s.AnyNode]:
        """The engines that inspectors of `function` were made of: a connection is, now."""
        for touch in self._world.touches.of(function):
            found = inspection(self._project, touch.site) if touch.kind == INSPECTION else None
            if found is not None:
                yield found.bind

    def _scoped(self, collector: Collector) -> None:
        """What stays sync, a `scoped_session` perhaps, is bound to what does."""
        world = self._world
        for factory in self._project.session_factories:
            is_registry = factory.kind == "scoped_session" and not world.becomes_async(factory)
            stays = is_registry or factory in world.unmoved.variables
            if stays and factory.scope.kind == "module":
                statement = self._project.statement_of(factory.value)
                found = self._frontier.repoint_statement(factory.module, statement)
                collector.add_module(factory.module, found)

    def _driven(self, collector: Collector) -> None:
        """Calls of coroutines, and sessions of objects that have such methods."""
        world = self._world
        for module, found in driven_calls(world.driven_calls):
            collector.add_module(module, found)
        sessions = world.verdicts.driven.sessions(world.colouring.kept)
        for module, found in driven_objects(sessions):
            collector.add_module(module, found)

    # --- objects that stay sync, and other packages -------------------------------------------

    def _made_of_factories(self, collector: Collector) -> None:
        """Objects whose methods stay sync get a sync factory, whoever makes them.

        So do variables of modules that only code which stays sync uses.
        """
        sync = self._world.sync
        for function in self._project.functions:
            if function in sync.staying:
                self._restore_fillings(collector, function)
                continue
            if not sync.takes_part(function.module):
                continue
            for call in self._needing_sync(function):
                found = self._frontier.repoint_arguments(function, call)
                collector.add_module(function.module, found)

    def _restore_fillings(self, collector: Collector, function: Function) -> None:
        """What code that stays sync puts into variables for what converts, it named otherwise."""
        for call, users in self._world.shared.slots.fillings(function):
            for value in call.values if any(map(self._world.converts, users)) else ():
                found = self._frontier.retirement.restore_argument(function, value)
                collector.add_module(function.module, found)

    def _tables_at_import(self, collector: Collector) -> None:
        """`create_all` that stays at import, in a module where no other code stays sync."""
        world = self._world
        for module, statement in tables_at_import(self._project, world.touches, world.colouring):
            if world.is_of_application(module) and module.body not in world.sync.staying:
                found = self._frontier.repoint_statement(module, statement)
                collector.add_module(module, found)

    def _handed_engines(self, collector: Collector) -> None:
        """Modules that pass an engine, when they are imported, to code that needs a sync one."""
        kept = self._world.colouring.kept
        for module in filter(self._world.is_of_application, self._project.modules.values()):
            for site in self._project.calls(module.body):
                calls_kept = any(target in kept for target in site.targets)
                is_handed = (calls_kept or reflects(site)) and passed_source(self._project, site)
                if isinstance(site.node, s.Call) and (
                    is_handed or hands_source(self._project, site)
                ):
                    found = self._frontier.repoint_arguments(module.body, site.node)
                    collector.add_module(module, found)

    def _makings_of_kept(self, function: Function) -> Iterator[s.Call]:
        """The calls by which `function` makes objects whose methods stay sync."""
        for site in self._project.calls(function):
            classes = [t.cls for t in site.targets if t.name == "__init__" and t.cls]
            if isinstance(site.node, s.Call) and any(map(self._world.sync.makes_kept, classes)):
                yield site.node

    def _needing_sync(self, function: Function) -> Iterator[s.Call]:
        """Those, and the calls by which it fills variables for what stays sync."""
        yield from self._makings_of_kept(function)
        for call, users in self._world.shared.slots.fillings(function):
            if any(user in self._world.colouring.kept for user in users):
                yield call

    def _lent_factories(self, function: Function) -> frozenset[s.AnyNode]:
        """What it gives such objects and variables, and the sessions it gives what stays sync."""
        given = [found.call for found in self._world.given_by(function)]
        values = (value for call in self._needing_sync(function) for value in call.values)
        return frozenset(node for value in (*values, *given) for node in s.walk(value))

    # --- what hands sessions on ----------------------------------------------------------------

    def _givers(self, collector: Collector) -> None:
        """Functions that give out, or make, what becomes async say so, whoever asks them.

        Those that make a session of the class itself make the other one. Code that stays sync asks
        copies.
        """
        world = self._world
        carriers = frozenset(world.sync.carriers)
        for function in self._project.functions:
            if function in world.colouring.coloured or function in world.sync.staying:
                continue
            if not world.gives_async(function):
                continue
            made = world.given_out_by(function)
            collector.add(function.module.path, made.edits, made.imports, made.unneeded)
            if function not in carriers:
                found = annotation_edits(self._project, function, converts=False)
                collector.add(function.module.path, found.edits, found.imports, found.unneeded)

    def _carriers(self, collector: Collector) -> None:
        """Functions that hand a session on without touching it get its new type."""
        for function in self._world.sync.carriers:
            found = annotation_edits(self._project, function, converts=False)
            collector.add(function.module.path, found.edits, found.imports, found.unneeded)
            if not function.is_module:
                regained = self._world.regained_by(function)
                path = function.module.path
                collector.add(path, regained.edits, regained.imports, regained.unneeded)
                lent = self._lent_factories(function)
                self._requote(collector, function)
                restored = self._frontier.retirement.restore(function, regained.gone, lent)
                collector.add_module(function.module, restored)

    def _constructors(self, collector: Collector) -> None:
        """Classes take the session that they fetched; maybe nobody fetches one then."""
        world = self._world
        constructors = Constructors(self._project, world.settings, world.around.provider)
        planned = constructors.plan(world.sync.converts_class, world.converts, world.sessions_of)
        collector.add_modules(planned.items())
        self._registry(collector, constructors.planned)

    def _registry(self, collector: Collector, constructors: frozenset[Function]) -> None:
        """The session's registration goes, or goes on serving what stays sync."""
        settings = self._world.settings
        resolves = any(
            has_resolver(self._project, settings, function)
            for function in self._project.functions
            if not self._world.converts(function) and function not in constructors
        )
        for module, statement in registrations(self._project, settings):
            if resolves:
                found = self._frontier.repoint_statement(module, statement)
                collector.add_module(module, found)
            else:
                self._frontier.retirement.forget(statement)
                collector.add_module(module, removal(statement))
