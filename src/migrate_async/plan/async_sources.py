"""The engines and session factories of a project that become async in a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import AnnotatedBinding, Binding, Function, Module
from migrate_async.index.sessions import Variable
from migrate_async.index.types import SessionFactory
from migrate_async.model import syntax as s
from migrate_async.plan.annotations import AnnotationEdits, retype
from migrate_async.plan.colouring.module_registries import is_of_module
from migrate_async.plan.colouring.own_registries import own_registries, registry_arguments
from migrate_async.plan.disposal import disposals
from migrate_async.plan.engines import engine_edits
from migrate_async.plan.makers import Makers
from migrate_async.plan.module_edits import ModuleEdits
from migrate_async.plan.session_factories import factory_edits, factory_obstacle, registry_edits


def engine_changes(
    project: Project,
    becomes_async: Callable[[Variable], bool],
    converts: Callable[[Function], bool],
) -> Iterator[tuple[Module, ModuleEdits]]:
    """The engines, by module."""
    makers = project.shared(Makers)
    for engine in project.engines:
        if engine.kind == "engine" and becomes_async(engine) and _is_made_here(makers, engine):
            yield engine.module, engine_edits(project, engine)
            yield engine.module, _annotation(project, engine)
            if converts(engine.scope.function):
                yield engine.module, ModuleEdits([*disposals(project, engine)])
    for made in _unnamed(makers, becomes_async):
        if made.kind == "engine":
            yield made.module, engine_edits(project, made)


def _annotation(project: Project, variable: Variable) -> ModuleEdits:
    """`SessionLocal: sessionmaker[Session] = ...` of a module; functions see to their own.

    A function may give a value to what the module or the class annotates: `global SessionLocal`,
    `self._engine: Engine | None = None`.
    """
    statement = project.statement_of(variable.call)
    found = AnnotationEdits()
    for binding in _declared(variable) if variable.scope.kind == "function" else ():
        if isinstance(binding, AnnotatedBinding):
            retype(project, binding.scope, binding.annotation, found)
    if isinstance(statement, s.AnnotatedAssign) and variable.scope.kind == "module":
        retype(project, variable.scope, statement.annotation, found)
    return ModuleEdits(found.edits, found.imports, found.unneeded)


def _declared(variable: Variable) -> Iterable[Binding]:
    """What else gives `variable` of a function a value, or a type."""
    name, cls = variable.name, variable.scope.function.cls
    if cls is not None and variable.qualname == f"{cls.qualname}.{name}":
        return (*cls.instance.get(name, ()), *cls.scope.names.get(name, ()))
    return variable.module.scope.names.get(name, ())


def _unnamed(makers: Makers, becomes_async: Callable[[Variable], bool]) -> Iterator[Variable]:
    """What functions make and return at once, where that becomes async."""
    for maker, variables in makers.variables.items():
        if any(map(becomes_async, variables)):
            yield from makers.unnamed(maker)
    for made in (*makers.for_functions.values(), *makers.for_tests.values()):
        yield from filter(becomes_async, made)


def _is_made_here(makers: Makers, variable: Variable) -> bool:
    """Whether the value says itself what is made, and what: no method, no function does."""
    call = variable.value
    if makers.of(variable) is not None or not isinstance(call, s.Call):
        return False
    if s.dotted_name(call.func).rpartition(".")[2] == "get_bind":
        return False
    name = s.dotted_name(call.func.value if isinstance(call.func, s.Subscript) else call.func)
    return name.rpartition(".")[2] != "execution_options"


def factory_changes(
    project: Project, becomes_async: Callable[[Variable], bool], expires_late: Callable[[], bool]
) -> Iterator[tuple[Module, ModuleEdits]]:
    """The factories with a name, by module; reported where one cannot become async."""
    makers = project.shared(Makers)
    for factory in (*project.session_factories, *_unnamed(makers, becomes_async)):
        if factory.kind not in ("sessionmaker", "scoped_session") or not becomes_async(factory):
            continue
        if not _is_made_here(makers, factory):
            continue
        if factory.kind == "scoped_session":
            if is_of_module(factory):
                yield from _module_registry(project, factory, expires_late)
            continue  # see `registry_changes`
        obstacle = factory_obstacle(project, factory)
        if obstacle is not None:
            yield factory.module, ModuleEdits(diagnostics=[obstacle])
            continue
        yield factory.module, factory_edits(project, factory, expires_late)
        yield factory.module, _annotation(project, factory)


def _module_registry(
    project: Project, registry: Variable, expires_late: Callable[[], bool]
) -> Iterator[tuple[Module, ModuleEdits]]:
    arguments = registry_arguments(registry.call)
    yield (
        registry.module,
        registry_edits(registry, has_scope="scopefunc" in arguments, is_kept=True),
    )
    factory = arguments.get("session_factory")
    if isinstance(factory, s.Call):
        made = Variable("", "", "sessionmaker", factory, registry.scope)
        yield registry.module, factory_edits(project, made, expires_late)


def registry_changes(
    project: Project, becomes_async: Callable[[Variable], bool], expires_late: Callable[[], bool]
) -> Iterator[tuple[Module, ModuleEdits]]:
    """The `scoped_session`s that functions make for themselves, by module."""
    for function in project.functions:
        for registry in own_registries(project, function):
            call = registry.call
            variable = Variable(registry.name, "", "scoped_session", call, function.scope)
            if not becomes_async(variable):
                continue
            obstacle = factory_obstacle(project, variable) if registry.obstacle else None
            if obstacle is not None:
                yield function.module, ModuleEdits(diagnostics=[obstacle])
                continue
            found = registry_edits(variable, has_scope=registry.has_scope, is_kept=registry.is_kept)
            yield function.module, found
            if registry.factory is not None:
                made = Variable("", "", "sessionmaker", registry.factory, function.scope)
                yield function.module, factory_edits(project, made, expires_late)


def unnamed_factories(
    project: Project, function: Function, expires_late: Callable[[], bool]
) -> Iterator[ModuleEdits]:
    """Factories that `function` makes and calls at once: `sessionmaker(bind=connection)()`.

    What another function makes, `get_factory()()`, or a property gives is made there.
    """
    for site in project.calls(function):
        if not isinstance(site.node, s.Call) or site.targets:
            continue
        call = project.parent(site.node)
        if not isinstance(call, s.Call) or call.func is not site.node:
            continue
        types = project.infer(site.node, site.scope)
        if any(isinstance(item, SessionFactory) and not item.is_async for item in types):
            yield factory_edits(
                project, Variable("", "", "sessionmaker", site.node, site.scope), expires_late
            )
