"""The step that changes colour: from sync functions on a sync session to coroutines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from migrate_async.config import FILE_NAME
from migrate_async.index.scopes import Class, Function, Module
from migrate_async.index.sessions import Variable
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.model.selection import Selection
from migrate_async.plan.alembic import Alembic
from migrate_async.plan.alembic.environment import is_environment, is_revision
from migrate_async.plan.annotations import (
    AnnotationEdits,
    annotation_edits,
    declared_sessions,
    retype,
)
from migrate_async.plan.async_sources import (
    engine_changes,
    factory_changes,
    registry_changes,
    unnamed_factories,
)
from migrate_async.plan.both_worlds.anchors import Anchors
from migrate_async.plan.both_worlds.collapse import Collapse
from migrate_async.plan.both_worlds.frontier import Frontier
from migrate_async.plan.both_worlds.idle_coroutines import IdleCoroutines
from migrate_async.plan.both_worlds.kept_tests import kept_test_edits
from migrate_async.plan.both_worlds.surroundings import Surroundings
from migrate_async.plan.both_worlds.sync_world import SyncWorld
from migrate_async.plan.both_worlds.unmoved import Unmoved
from migrate_async.plan.collector import Collector
from migrate_async.plan.colouring.asked import Asked
from migrate_async.plan.colouring.bounds import Circumstances, Ties
from migrate_async.plan.colouring.colour import Colouring
from migrate_async.plan.colouring.handovers import (
    hands_source,
    open_ends,
    passed_source,
    reflects,
)
from migrate_async.plan.colouring.inspections import inspection
from migrate_async.plan.colouring.module_registries import is_of_module
from migrate_async.plan.colouring.obstacles import Obstacles, is_inside
from migrate_async.plan.colouring.responses import Responses
from migrate_async.plan.colouring.sharing import SharedSessions
from migrate_async.plan.colouring.touches import INSPECTION, Touches
from migrate_async.plan.colouring.verdicts import Request, Suites, Verdicts
from migrate_async.plan.database import (
    dependency_edits,
)
from migrate_async.plan.decisions import Decisions
from migrate_async.plan.driver_members import driver_member_edits
from migrate_async.plan.driver_types import driver_type_edits
from migrate_async.plan.driver_values import driver_value_edits
from migrate_async.plan.engine_watchers import watcher_edits
from migrate_async.plan.hops import Hops
from migrate_async.plan.inner_listeners import inner_listener_edits
from migrate_async.plan.keep_both.edits import KeptBoth
from migrate_async.plan.listeners import Listeners
from migrate_async.plan.loads.accesses import (
    Accesses,
    awaitable_edits,
    can_await,
    reading_coroutines,
)
from migrate_async.plan.loads.dynamic import dynamic_reads, read_by_name
from migrate_async.plan.loads.edits import LoadEdits
from migrate_async.plan.loads.encoded import encoded_objects
from migrate_async.plan.loads.statements import Statements
from migrate_async.plan.makers import Makers
from migrate_async.plan.model_base import base_edits
from migrate_async.plan.object_sessions import object_session_edits
from migrate_async.plan.polymorphic import polymorphic_edits
from migrate_async.plan.queries import QueryPlan
from migrate_async.plan.recolouring.awaits import Awaiter
from migrate_async.plan.recolouring.blocking import BlockingWork, runs_loop
from migrate_async.plan.recolouring.bridging import Bridges
from migrate_async.plan.recolouring.entry_points import entry_point_edits
from migrate_async.plan.recolouring.lending import Lending
from migrate_async.plan.recolouring.lifespan import lifespan_edits
from migrate_async.plan.registry import registrations, removal
from migrate_async.plan.relationships import relationship_edits
from migrate_async.plan.sessions import (
    Constructors,
    SessionPlan,
    has_resolver,
    plan_sessions,
)
from migrate_async.plan.testing.client_startup import client_edits
from migrate_async.plan.testing.loops import loop_edits
from migrate_async.plan.testing.object_factories import factory_edits
from migrate_async.plan.testing.overrides import override_edits
from migrate_async.plan.testing.pytest_support import pytest_edits, takes_fixtures
from migrate_async.plan.testing.replaced_sources import replaced_sources
from migrate_async.plan.testing.stand_ins import mock_sessions, stand_in_edits
from migrate_async.plan.transactions.after_commit import refresh_edits
from migrate_async.plan.transactions.after_rollback import Rollbacks
from migrate_async.plan.transactions.effects import Effects
from migrate_async.plan.transactions.requeries import Requeries
from migrate_async.plan.translation import Translation


class AsyncStep:
    """Plans the steps `async` and `all`, and `tests` for an application that has migrated."""

    def __init__(
        self,
        around: Surroundings,
        step: p.Step,
        selection: Selection,
        queries: QueryPlan,
    ) -> None:
        self._around = around
        self._project = project = around.project
        self._settings = settings = around.settings
        self._anchored = around.anchored
        self._step = step
        self._touches = Touches(project, queries, around.twins.scopes)
        self.blocking = BlockingWork(project, settings, self._touches)
        self._shared = SharedSessions(project)
        self._ties = Ties.of(project)
        self._twins = self._around.twins
        self._provider = self._around.provider
        self._aliases = self._around.aliases
        self._responses = Responses(project, self._touches)
        self._accesses = Accesses(project)
        self._makers = Makers(project)
        self._unmoved = Unmoved(project)
        self._effects = Effects(project)
        self._requeries = Requeries(project, self._effects)
        self._rollbacks = Rollbacks(project, Statements(project), self._effects)
        self._awaited_models: dict[Class, None] = {}
        self._session_plans: dict[Function, SessionPlan] = {}
        self._lent = 0
        self._kept_sync = Asked(settings.keep_sync)
        self._obstacles = Obstacles(project, self._touches, self._responses, self._shared, step)
        self._verdicts = Verdicts(
            project,
            Request(selection, settings.keep == "both", step is p.Step.TESTS),
            self._touches,
            queries,
            self._obstacle,
            self._shared,
            Circumstances(
                self._ties,
                around.scopes,
                self.blocking.runs_loop,
                {**dict(reading_coroutines(project, self._accesses)), **self._anchored},
            ),
            Suites(lambda: self._unmoved.serve_tests, self.blocking.stuck_tests),
            around.twins.scopes,
        )

    @cached_property
    def _world(self) -> SyncWorld:
        return SyncWorld(
            self._project,
            self._settings,
            self._verdicts,
            self._touches,
            self._shared.holders,
            {*self._twins.functions, *self._twins.makers},
            lambda: self._environments,
        )

    @cached_property
    def _bridges(self) -> Bridges:
        lending = Lending(self._project, self.colouring, self._ties.handed, self._idle.__contains__)
        return Bridges(self._project, self._touches, self.colouring, self.blocking, lending)

    @cached_property
    def _idle(self) -> IdleCoroutines:
        return IdleCoroutines(self._project, self.colouring.converts)

    @property
    def _translation(self) -> Translation:
        return Translation(
            self._project,
            self._settings,
            self._verdicts,
            self._touches,
            self._world,
            self._both,
            self._loads,
        )

    @cached_property
    def _both(self) -> KeptBoth:
        return KeptBoth(self._project, self.colouring, self._verdicts.beside)

    def wants(self, function: Function) -> bool:
        """Whether `function` was selected, or is needed by what was."""
        return function in self._verdicts.wanted

    def run(self, collector: Collector) -> None:
        """Add everything that the step does to `collector`."""
        converted = [f for f in self.colouring.coloured if self.colouring.converts(f)]
        Decisions(self._project, self._verdicts, self._environments).report(collector)
        wanted = filter(self.wants, self._project.functions)
        collector.diagnostics += open_ends(self._project, wanted)
        collector.diagnostics += self._kept_sync.unused(self._project, FILE_NAME)
        if self._step is not p.Step.ASYNC:
            self._translation.add_to(collector)
        frontier = self._frontier(self._idle)
        collapse = Collapse(
            self._project,
            self._both,
            self._ties.handed,
            self._world.uses_kept,
            self._shared.holders.holds,
        )
        collector.add_modules(collapse.plan().items())
        if converted:
            self._change_world(collector, frontier, converted)
            collector.add_modules(self._alembic.edits(asked=False))
        collector.add_modules(frontier.retirement.retire().items())
        is_lent = frontier.retirement.still_lends(collapse.lent) or bool(self._lent)
        hops = Hops(self._around, self._becomes_async, frontier.lent_factories)
        collector.add_modules(hops.changes(needed=frontier.serves_kept or is_lent))
        for function in self._both.staying:
            if function.node is not None:
                collector.leave(function.module.path, function.node.span)

    def _change_world(
        self, collector: Collector, frontier: Frontier, converted: list[Function]
    ) -> None:
        for function in converted:
            self._convert(collector, function)
            gone = self._session_plan(function).gone.union(self._asked(function))
            collector.add_module(
                function.module,
                frontier.retirement.restore(function, gone, self._lent_factories(function)),
            )
        for function in self._world.staying:
            if function not in self._environments:
                collector.add_module(function.module, frontier.repoint(function))
                # Its session is the sync side of an async one, on the same driver.
                self._for_driver(collector, function)
        self._for_criteria(collector, converted)
        for cls in self._project.classes:
            if self._world.holds_kept(cls):
                collector.add_module(cls.module, frontier.repoint_class(cls))
        collector.add_modules(self._idle.calls_in_tests())
        self._made_of_factories(collector, frontier)
        self._handed_engines(collector, frontier)
        for path, span, old, new in frontier.moved:
            collector.change_session(path, span, old, new)
        self._scoped(collector, frontier)
        self._carriers(collector, frontier)
        self._declared_sessions(collector)
        constructors = Constructors(self._project, self._settings, self._provider)
        planned = constructors.plan(
            self._world.converts_class, self.colouring.converts, self._session_plan
        )
        collector.add_modules(planned.items())
        self._registry(collector, frontier, constructors.planned)
        collector.add_modules(frontier.offers.plan().items())
        listeners = Listeners(self._project, self._becomes_async, self.colouring.converts)
        collector.add_modules(listeners.edits(frontier.needs.variables))
        self._load(collector)
        self._replacements(collector)
        self._sources(collector)
        self._retype_aliases(collector)
        self._start_up(collector)

    def _asked(self, function: Function) -> Iterator[s.AnyNode]:
        """The engines that inspectors of `function` were made of: a connection is, now."""
        for touch in self._touches.of(function):
            found = inspection(self._project, touch.site) if touch.kind == INSPECTION else None
            if found is not None:
                yield found.bind

    def _load(self, collector: Collector) -> None:
        """Loader options for queries, other than those that are translated just now."""
        converts = self.colouring.converts
        collector.diagnostics += self._loads.diagnostics()
        sinks = self._loads.analysis.sinks
        collector.diagnostics += dynamic_reads(self._project, self.colouring, sinks)
        collector.diagnostics += encoded_objects(self._project, self._loads.analysis.decisions)
        collector.add_modules(self._loads.imports(converts).items())
        collector.add_modules(self._loads.gets(converts).items())
        for head, options in self._loads.options(converts).items():
            path = self._project.function_of(head).module.path
            if not collector.translates(path, head.span):
                code = "".join(["{}", *(f".options({option})" for option in options)])
                edit = p.ReplaceExpression(span=head.span, codemod="eager-relationships", code=code)
                collector.add(path, [edit])

    @cached_property
    def _loads(self) -> LoadEdits:
        # What is loaded, and where, must not depend on the order of the runs.
        return LoadEdits(self._project, self._verdicts.full)

    # --- who converts --------------------------------------------------------------------------

    @property
    def colouring(self) -> Colouring:
        return self._verdicts.colouring

    @property
    def application(self) -> Colouring:
        """What becomes of the application, whatever its tests do."""
        return self._verdicts.alone

    @property
    def maker_of_sync(self) -> tuple[Function, Function] | None:
        """As that of the verdicts: why test suites stay as they are."""
        return self._verdicts.maker_of_sync

    def _obstacle(
        self, function: Function, coloured: Mapping[Function, p.Reason]
    ) -> p.Reason | None:
        return (
            self._kept_sync.reason(function)
            or self._obstacles(function, coloured)
            or self._session_plan(function).obstacle
            or self._anchored.get(function)
            or self._loop_obstacle(function, coloured)
        )

    def _loop_obstacle(
        self, function: Function, coloured: Mapping[Function, p.Reason]
    ) -> p.Reason | None:
        work = self.blocking.impossible(function, coloured)
        return None if work is None else runs_loop(work)

    def anchors(self) -> Anchors:
        """The sources of sessions that have to stay sync in this run, and all who take from it."""
        idle = IdleCoroutines(self._project, self.colouring.converts)
        frontier = self._frontier(idle)
        staying = (f for f in self._world.staying if f not in self._environments)
        found = frontier.anchors(staying)
        for dependency in self._project.session_dependencies:
            reason = self.colouring.kept.get(dependency)
            if reason is None or dependency in self._anchored or self._lends(dependency):
                continue
            if not dependency.module.is_test:
                found.keep(dependency, reason)
        return found

    def _lends(self, dependency: Function) -> bool:
        """Whether it hands on what others made, or an async session."""
        values = [*dependency.returns, *(part.value for part in dependency.yields if part.value)]
        kinds = {self._project.session_kind(value, dependency.scope) for value in values}
        return not dependency.is_generator or kinds != {"sync"}

    def _frontier(self, idle: IdleCoroutines) -> Frontier:
        return Frontier(
            self._around, self._verdicts, self._becomes_async, idle, self._shared.borrows
        )

    def _session_plan(self, function: Function) -> SessionPlan:
        if function not in self._session_plans:
            self._session_plans[function] = plan_sessions(
                self._project,
                self._settings,
                self._provider,
                function,
                self._requeries.expire_late,
            )
        return self._session_plans[function]

    # --- functions -----------------------------------------------------------------------------

    def _convert(self, collector: Collector, function: Function) -> None:
        path = function.module.path
        for edits in unnamed_factories(self._project, function, self._requeries.expire_late):
            collector.add_module(function.module, edits)
        sessions = self._session_plan(function)
        collector.add(path, sessions.edits, sessions.imports, sessions.unneeded)
        collector.count("sessions", sessions.sessions)
        awaiter = Awaiter(
            self._around, self._touches, self._both, self._world.holds_kept, self._bridges
        )
        found = awaiter.plan(function, sessions.gone)
        collector.add(path, found.edits, found.imports, found.unneeded)
        collector.count("awaits", found.awaits)
        collector.count("bridges", found.bridges)
        collector.count("threads", found.threads)
        collector.diagnostics += found.diagnostics
        self._lent += found.lent
        collector.add_module(function.module, self._both.split(function))
        self._attributes(collector, function, sessions, found.sync_spans)
        self._for_driver(collector, function)
        collector.add_module(function.module, object_session_edits(self._project, function))
        if takes_fixtures(function):
            collector.add_module(function.module, pytest_edits(function))

    def _for_criteria(self, collector: Collector, converted: list[Function]) -> None:
        """Functions without a session may make what those that have one execute."""
        done = {*converted, *self._world.staying}
        if not any(map(self._becomes_async, self._project.engines)):
            return
        for function in self._project.functions:
            module = function.module
            if function in done or module in self._of_alembic or module.is_test:
                continue
            if self._world.takes_part(module):
                collector.add_module(function.module, driver_type_edits(self._project, function))
                collector.add_module(function.module, driver_member_edits(self._project, function))

    def _for_driver(self, collector: Collector, function: Function) -> None:
        collector.add_module(function.module, driver_type_edits(self._project, function))
        collector.add_module(function.module, driver_member_edits(self._project, function))
        collector.add_module(function.module, driver_value_edits(self._project, function))

    def _attributes(
        self,
        collector: Collector,
        function: Function,
        sessions: SessionPlan,
        sync_spans: list[s.Span],
    ) -> None:
        """Relationship reads and values that the commit changes."""
        path = function.module.path
        for access in self._accesses.of(function):
            if access.node in sessions.gone or _is_inside(access.node.span, sync_spans):
                continue
            if can_await(self._project, access.node, function):
                collector.add(path, awaitable_edits(self._project, access))
                collector.count("awaits")
                self._awaited_models[access.model] = None
        found = refresh_edits(self._project, function, sessions.gone, self._effects)
        collector.add(path, found)
        reloads = self._rollbacks.reloads(function, sessions.gone)
        collector.add(path, reloads.edits)
        self._awaited_models.update(reloads.models)
        loads = self._loads.awaits(function)
        collector.add(path, loads.edits)
        self._awaited_models.update(loads.models)

    def _scoped(self, collector: Collector, frontier: Frontier) -> None:
        """What stays sync, a `scoped_session` perhaps, is bound to what does."""
        for factory in self._project.session_factories:
            is_registry = factory.kind == "scoped_session" and not self._becomes_async(factory)
            stays = is_registry or factory in self._unmoved.variables
            if stays and factory.scope.kind == "module":
                statement = self._project.statement_of(factory.value)
                found = frontier.repoint_statement(factory.module, statement)
                collector.add_module(factory.module, found)

    def _made_of_factories(self, collector: Collector, frontier: Frontier) -> None:
        """Objects whose methods stay sync get a sync factory, whoever makes them."""
        for function in self._project.functions:
            if function in self._world.staying or not self._world.takes_part(function.module):
                continue
            for call in self._makings_of_kept(function):
                found = frontier.repoint_arguments(function, call)
                collector.add_module(function.module, found)

    def _handed_engines(self, collector: Collector, frontier: Frontier) -> None:
        """Modules that pass an engine, when they are imported, to code that needs a sync one."""
        for module in self._project.modules.values():
            if not self._world.takes_part(module) or module.is_test:
                continue
            if module in self._of_alembic:
                continue
            for site in self._project.calls(module.body):
                kept = any(target in self.colouring.kept for target in site.targets)
                is_handed = (kept or reflects(site)) and passed_source(self._project, site)
                if isinstance(site.node, s.Call) and (
                    is_handed or hands_source(self._project, site)
                ):
                    collector.add_module(module, frontier.repoint_arguments(module.body, site.node))

    def _makings_of_kept(self, function: Function) -> Iterator[s.Call]:
        """The calls by which `function` makes objects whose methods stay sync."""
        for site in self._project.calls(function):
            classes = [t.cls for t in site.targets if t.name == "__init__" and t.cls]
            if isinstance(site.node, s.Call) and any(map(self._world.makes_kept, classes)):
                yield site.node

    def _lent_factories(self, function: Function) -> frozenset[s.AnyNode]:
        """What `function` gives such objects."""
        return frozenset(
            node
            for call in self._makings_of_kept(function)
            for value in (*call.args, *(keyword.value for keyword in call.keywords))
            for node in s.walk(value)
        )

    def _carriers(self, collector: Collector, frontier: Frontier) -> None:
        """Functions that hand a session on without touching it get its new type."""
        for function in self._world.carriers:
            found = annotation_edits(self._project, function, converts=False)
            collector.add(function.module.path, found.edits, found.imports, found.unneeded)
            if not function.is_module:
                collector.add_module(
                    function.module,
                    frontier.retirement.restore(
                        function, frozenset(), self._lent_factories(function)
                    ),
                )

    def _declared_sessions(self, collector: Collector) -> None:
        """`db: Session` in the body of a class whose methods convert, such as a mixin."""
        for cls in self._project.classes:
            if not self._world.converts_class(cls):
                continue
            found = declared_sessions(self._project, cls)
            collector.add(cls.module.path, found.edits, found.imports, found.unneeded)

    def _registry(
        self, collector: Collector, frontier: Frontier, constructors: frozenset[Function]
    ) -> None:
        """The session's registration goes, or goes on serving what stays sync."""
        resolves = any(
            has_resolver(self._project, self._settings, function)
            for function in self._project.functions
            if not self.colouring.converts(function) and function not in constructors
        )
        for module, statement in registrations(self._project, self._settings):
            if resolves:
                collector.add_module(module, frontier.repoint_statement(module, statement))
            else:
                frontier.retirement.forget(statement)
                collector.add_module(module, removal(statement))

    @cached_property
    def _injects(self) -> bool:
        """Whether a function takes its session from a `get_db` that is still to be written."""
        return any(
            self._session_plan(function).injected
            for function in self.colouring.coloured
            if self.colouring.converts(function)
        )

    # --- modules -------------------------------------------------------------------------------

    def _replacements(self, collector: Collector) -> None:
        """What tests put in the place of what becomes async."""
        converts = self.colouring.converts
        collector.add_modules(stand_in_edits(self._project, converts))
        collector.diagnostics += mock_sessions(self._project, converts)
        collector.diagnostics += replaced_sources(self._project, self._becomes_async)
        collector.add_modules(factory_edits(self._project, converts))
        collector.add_modules(loop_edits(self._project, converts))
        collector.add_modules(kept_test_edits(self._project, self.colouring.kept, converts))
        for module, found in override_edits(self._project, converts):
            if self._world.takes_part(module):
                collector.add_module(module, found)

    def _retype_aliases(self, collector: Collector) -> None:
        for alias in self._aliases:
            if alias in self._twins.aliases:
                continue
            retyped = AnnotationEdits()
            retype(self._project, alias.module.scope, alias.value, retyped)
            path = alias.module.path
            collector.add(path, retyped.edits, retyped.imports, retyped.unneeded)

    def _sources(self, collector: Collector) -> None:
        collector.add_modules(inner_listener_edits(self._project, self.colouring.converts))
        collector.add_modules(
            engine_changes(self._project, self._becomes_async, self.colouring.converts)
        )
        collector.add_modules(watcher_edits(self._project, self._becomes_async))
        collector.add_modules(
            factory_changes(self._project, self._becomes_async, self._requeries.expire_late)
        )
        collector.add_modules(
            registry_changes(self._project, self._becomes_async, self._requeries.expire_late)
        )
        if self._injects and self._provider.creates:
            self._provide(collector)
        collector.diagnostics += self._requeries.notes()

    def _provide(self, collector: Collector) -> None:
        """Write the `get_db` from which functions take their session."""
        for factory in self._project.session_factories:
            is_new = factory.kind != "async_sessionmaker" and self._becomes_async(factory)
            if is_new and factory.name == self._provider.factory:
                created = dependency_edits(factory, self._provider.get_db)
                collector.add_module(factory.module, created)

    def _is_kept_by_object(self, maker: Function) -> bool:
        """Whether an object keeps what `maker` makes, and some of its methods stay sync."""
        if maker.name != "__init__" or maker.cls is None:
            return False
        users = self._shared.factories.users(maker.cls)
        return any(user in self.colouring.kept for user in users)

    def _becomes_async(self, variable: Variable) -> bool:
        """An engine or factory of a module that takes part, or of a converted function.

        What a function that stays sync makes for itself stays sync with it. Alembic's files are
        looked at apart.
        """
        owner = variable.scope.function
        if variable.scope.kind == "module":
            owner = self._makers.of(variable) or owner
        if variable.module in self._of_alembic or owner in self._twins.makers:
            return False
        stays = variable in self._unmoved.variables or variable in self._twins.variables
        if stays or self._is_kept_by_object(owner) or not self._world.takes_part(variable.module):
            return False
        if is_of_module(variable):
            users = self._shared.registries.movable.get(variable, {})
            return bool(users) and all(map(self.colouring.converts, users))
        if self.colouring.converts(owner):
            return True
        return owner not in self.colouring.coloured and not self._world.makes_for_kept(owner)

    @cached_property
    def _of_alembic(self) -> frozenset[Module]:
        modules = self._project.modules.values()
        return frozenset(m for m in modules if is_revision(m) or is_environment(m))

    @cached_property
    def _alembic(self) -> Alembic:
        return Alembic(self._project, self._becomes_async)

    @cached_property
    def _environments(self) -> frozenset[Function]:
        """Functions of Alembic's `env.py` that need the application's engine, now async."""
        if not any(self.colouring.converts(function) for function in self.colouring.coloured):
            return frozenset()
        return self._alembic.needed

    def _start_up(self, collector: Collector) -> None:
        lifespan = False
        planned = lifespan_edits(
            self._project, self._touches, self.colouring, self._world.staying.__contains__
        )
        for module, found in planned.items():
            if self._world.takes_part(module):
                collector.add_module(module, found)
                lifespan = lifespan or found.moves_import
        collector.add_modules((client_edits(self._project) if lifespan else {}).items())
        collector.add_modules(entry_point_edits(self._project, self.colouring).items())
        relationships = relationship_edits(self._project, self._loads.analysis)
        bases = base_edits(self._project, self._awaited_models)
        models = read_by_name(self._project, self.colouring, self._loads.analysis.sinks)
        polymorphic = polymorphic_edits(self._project, models)
        collector.add_modules((*relationships.items(), *polymorphic.items(), *bases.items()))


def _is_inside(span: s.Span, around: list[s.Span]) -> bool:
    return any(is_inside(span, other) for other in around)
