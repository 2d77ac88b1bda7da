"""What becomes of modules beside their functions: engines, factories, models, start-up, tests."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from migrate_async.index.scopes import Class, Function, last_name
from migrate_async.index.sessions import Variable
from migrate_async.index.types import ClassObject
from migrate_async.model import syntax as s
from migrate_async.plan.annotations import AnnotationEdits, declared_sessions, retype
from migrate_async.plan.async_sources import engine_changes, factory_changes, registry_changes
from migrate_async.plan.async_step.functions import for_criteria
from migrate_async.plan.async_step.world import AsyncWorld
from migrate_async.plan.both_worlds.kept_tests import kept_test_edits
from migrate_async.plan.collector import Collector
from migrate_async.plan.colouring.context_sessions import ContextSessions
from migrate_async.plan.engine_watchers import watcher_edits
from migrate_async.plan.entered_dependencies import names_gone
from migrate_async.plan.factory_statements import dependency_edits, hop_statement
from migrate_async.plan.generated_columns import GeneratedColumns
from migrate_async.plan.inner_listeners import inner_listener_edits
from migrate_async.plan.loads.dynamic import read_by_name, read_of_subclasses
from migrate_async.plan.loads.edits import LoadEdits
from migrate_async.plan.model_base import base_edits
from migrate_async.plan.polymorphic import polymorphic_edits
from migrate_async.plan.recolouring.entry_points import entry_point_edits
from migrate_async.plan.recolouring.lifespan import lifespan_edits
from migrate_async.plan.relationships import relationship_edits, rows_added_late
from migrate_async.plan.testing.client_startup import client_edits
from migrate_async.plan.testing.loops import loop_edits
from migrate_async.plan.testing.object_factories import factory_edits
from migrate_async.plan.testing.overrides import override_edits
from migrate_async.plan.testing.replaced_sources import bound_by_tests, replaced_sources
from migrate_async.plan.testing.stand_ins import entered_mocks, mock_sessions, stand_in_edits


class ConvertedModules:
    """Plans that for one run."""

    def __init__(self, world: AsyncWorld, loads: LoadEdits) -> None:
        self._world = world
        self._project = world.project
        self._loads = loads

    def add_to(self, collector: Collector, awaited_models: Iterable[Class]) -> None:
        """Add all of it; of the `awaited_models` a relationship is awaited."""
        collector.add_modules(for_criteria(self._world))
        self._declared_sessions(collector)
        self._context_variables(collector)
        self._aliases(collector)
        collector.add_modules(names_gone(self._project, self._world.converts))
        self._sources(collector)
        self._replacements(collector)
        self._start_up(collector)
        self._models(collector, awaited_models)

    def _declared_sessions(self, collector: Collector) -> None:
        """`db: Session` in the body of a class whose methods convert, such as a mixin.

        Also of one that only holds it, a named tuple, if all who make one convert.
        """
        for cls in self._project.classes:
            heirs = (cls, *self._project.subclasses(cls))
            converts = any(map(self._world.sync.converts_class, heirs))
            if not converts and not self._is_made_by_converted(cls):
                continue
            found = declared_sessions(self._project, cls)
            collector.add(cls.module.path, found.edits, found.imports, found.unneeded)

    def _is_made_by_converted(self, cls: Class) -> bool:
        names_one = any(
            isinstance(statement, s.AnnotatedAssign)
            and "Session" in last_name(statement.annotation)
            for statement in cls.node.body
        )
        if not names_one or self._world.shared.holders.holds(cls):
            return False
        makers = [
            function
            for function in self._project.functions
            for call in function.calls
            if call.name == cls.name and not function.module.is_test
            if ClassObject(cls) in self._project.infer(call.node.func, call.scope)
        ]
        return bool(makers) and all(map(self._world.converts, makers))

    def _context_variables(self, collector: Collector) -> None:
        """`current: ContextVar[Session]`, if all who work on that session convert."""
        for module, part, users in self._project.shared(ContextSessions).declared():
            if users and all(map(self._world.converts, users)):
                found = AnnotationEdits()
                retype(self._project, module.scope, part, found)
                collector.add(module.path, found.edits, found.imports, found.unneeded)

    def _aliases(self, collector: Collector) -> None:
        """`DbSession = Annotated[Session, Depends(get_db)]`."""
        for alias in self._world.around.aliases:
            if alias in self._world.around.twins.aliases:
                continue
            found = AnnotationEdits()
            retype(self._project, alias.module.scope, alias.value, found)
            collector.add(alias.module.path, found.edits, found.imports, found.unneeded)

    def _sources(self, collector: Collector) -> None:
        """Engines and factories, and the `get_db` from which functions take their session."""
        project, becomes_async = self._project, self._world.becomes_async
        requeries = self._world.requeries
        collector.add_modules(inner_listener_edits(project, self._world.converts))
        collector.add_modules(engine_changes(project, becomes_async, self._world.converts))
        collector.add_modules(watcher_edits(project, becomes_async))
        collector.add_modules(factory_changes(project, becomes_async, requeries.expire_late))
        collector.add_modules(self._world.around.late_binds.async_edits(becomes_async))
        collector.add_modules(registry_changes(project, becomes_async, requeries.expire_late))
        if self._injects and self._world.around.provider.creates:
            self._provide(collector)
        collector.diagnostics += requeries.notes()

    @cached_property
    def _injects(self) -> bool:
        """Whether a function takes its session from a `get_db` that is still to be written."""
        return any(
            self._world.own_sessions_of(function).injected for function in self._world.converted
        )

    def _provide(self, collector: Collector) -> None:
        """Write that `get_db`, beside a factory that is async or becomes so."""
        provider = self._world.around.provider
        for factory in self._project.session_factories:
            is_it = (factory.module.name, factory.name) == (provider.module, provider.factory)
            is_async = factory.kind == "async_sessionmaker" or self._world.becomes_async(factory)
            if is_it and is_async:
                created = dependency_edits(factory, provider.get_db, self._below(factory))
                collector.add_module(factory.module, created)

    def _below(self, factory: Variable) -> s.Stmt | None:
        """The last of what earlier runs wrote below `factory` for code that stays sync."""
        twins = [
            twin.statement
            for twin in self._world.around.twins.variables.values()
            if (twin.module, twin.name) == (factory.module, factory.name)
        ]
        hop = hop_statement(factory)
        written = [*twins, *([hop] if hop is not None else [])]
        return max(written, key=lambda statement: statement.span, default=None)

    def _replacements(self, collector: Collector) -> None:
        """What tests put in the place of what becomes async."""
        project, converts = self._project, self._world.converts
        collector.add_modules(stand_in_edits(project, converts))
        collector.diagnostics += entered_mocks(project, converts)
        collector.diagnostics += mock_sessions(project, converts, self._world.sync.converts_class)
        collector.diagnostics += replaced_sources(project, self._world.becomes_async)
        late_binds = self._world.around.late_binds
        collector.diagnostics += bound_by_tests(late_binds, self._world.becomes_async, converts)
        collector.add_modules(factory_edits(project, converts))
        collector.add_modules(loop_edits(project, converts))
        kept, makes = self._world.colouring.kept, self._makes_for_itself
        collector.add_modules(kept_test_edits(project, kept, converts, makes))
        for module, found in override_edits(project, converts):
            if self._world.sync.takes_part(module):
                collector.add_module(module, found)

    @cached_property
    def _own_sources(self) -> dict[Function, list[Variable]]:
        """The engines and factories that functions make for themselves, by function."""
        found: dict[Function, list[Variable]] = {}
        for variable in (*self._project.engines, *self._project.session_factories):
            if variable.scope.kind != "module":
                found.setdefault(variable.scope.function, []).append(variable)
        return found

    def _makes_for_itself(self, function: Function) -> bool:
        """Whether `function` makes an engine or factory that becomes async."""
        return any(map(self._world.becomes_async, self._own_sources.get(function, ())))

    def _start_up(self, collector: Collector) -> None:
        """What runs when the application starts, and programs that run coroutines now."""
        world = self._world
        planned = lifespan_edits(
            self._project, world.touches, world.colouring, world.sync.staying.__contains__
        )
        taking_part = {
            module: found for module, found in planned.items() if world.sync.takes_part(module)
        }
        collector.add_modules(taking_part.items())
        if any(found.moves_import for found in taking_part.values()):
            collector.add_modules(client_edits(self._project).items())
        driven = frozenset(world.driven_calls)
        collector.add_modules(entry_point_edits(self._project, world.colouring, driven).items())

    def _models(self, collector: Collector, awaited: Iterable[Class]) -> None:
        """How they load, and what they need for `awaitable_attrs`."""
        analysis = self._loads.analysis
        read = read_by_name(self._project, self._world.colouring, analysis.strict_sinks)
        read += read_of_subclasses(self._project, analysis.decisions.always)
        collector.add_modules(relationship_edits(self._project, analysis).items())
        added = rows_added_late(self._project, self._world.effects, analysis)
        collector.add_modules(added.edits(self._world.converts))
        collector.add_modules(polymorphic_edits(self._project, read).items())
        generated = GeneratedColumns(self._project, self._world.effects)
        collector.add_modules(generated.edits(self._world.converts))
        collector.add_modules(base_edits(self._project, awaited).items())
