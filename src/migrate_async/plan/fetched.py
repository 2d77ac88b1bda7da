"""Sessions that are taken out of a dependency by hand: `db = next(get_session())`.

Where a factory makes them, the function calls it instead. Where `get_session` calls the class
itself, `with Session(engine) as session:`, the function does that, too, on the same engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Module
from migrate_async.index.sessions import Variable
from migrate_async.index.types import External, FunctionObject, SessionFactory
from migrate_async.knowledge.shim import sync_class_name_of
from migrate_async.knowledge.sqlalchemy import ASYNC_SESSIONS, SESSIONS
from migrate_async.model import syntax as s
from migrate_async.plan.names import is_bound_inside, is_variable, read_from


@dataclass(frozen=True)
class Construction:
    """`call` in `dependency` makes the session, on `engine` of the top level of a module."""

    dependency: Function
    call: s.Call
    engine: Variable

    def on(self, engine: str) -> s.Call:
        """`call` on what is called `engine` elsewhere."""

        def moved(value: s.Expr) -> s.Expr:
            return value if isinstance(value, s.Constant) else s.Name(*value.span, engine)

        args = tuple(map(moved, self.call.args))
        keywords = tuple(s.Keyword(*k.span, k.arg, moved(k.value)) for k in self.call.keywords)
        return s.Call(*self.call.span, self.call.func, args, keywords)


def dependency_of(project: Project, call: s.Call) -> Function | None:
    """`get_session` of `next(get_session())`."""
    inner = call.args[0] if call.args else None
    if isinstance(inner, s.Name):
        inner = project.value_of(inner, project.scope_of(inner))
    if not isinstance(inner, s.Call):
        return None
    found = {
        item.fn
        for item in project.infer(inner.func, project.scope_of(inner))
        if isinstance(item, FunctionObject)
    }
    return found.pop() if len(found) == 1 else None


def construction(project: Project, call: s.Call) -> Construction | None:
    """How the session of `call`, `next(get_session())`, is made, if others can be made so."""
    dependency = dependency_of(project, call)
    if dependency is None:
        return None
    calls = {site.node for site in project.calls(dependency) if isinstance(site.node, s.Call)}
    made = [inner for inner in calls if _is_constructor(project, inner)]
    engine = _only_engine(project, made[0]) if len(made) == 1 else None
    return None if engine is None else Construction(dependency, made[0], engine)


def is_unmade(project: Project, call: s.Call) -> bool:
    """Whether nobody but its dependency can make the session of `call`, `next(get_session())`.

    The factory that the dependency calls can, or the one that the application has.
    """
    if construction(project, call) is not None:
        return False
    dependency = dependency_of(project, call)
    if dependency is not None and factory_behind(project, dependency) is not None:
        return False
    return len(project.shared(own_factories)) != 1


def own_factories(project: Project) -> frozenset[tuple[Module, str]]:
    """Modules and names of the application's factories, but for those an earlier run put there."""
    factories = {(f.module, f.name) for f in project.session_factories if is_of_application(f)}
    twins = {(module, sync_class_name_of(name)) for module, name in factories}
    return frozenset(factories - twins)


def factory_behind(project: Project, dependency: Function) -> Variable | None:
    """The one factory at the top of a module whose sessions `dependency` gives."""
    found = set(_opened(project, dependency, {dependency}))
    return found.pop() if len(found) == 1 else None


def _opened(
    project: Project, dependency: Function, seen: set[Function]
) -> Iterator[Variable | None]:
    """The factories that `dependency` calls, itself or by what it asks for its session."""
    for site in project.calls(dependency):
        call = site.node
        if site.kind != "call" or not isinstance(call, s.Call):
            continue
        types = project.infer(call.func, site.scope)
        if any(isinstance(item, SessionFactory) for item in types):
            yield _factory(project, call.func)
            continue
        for target in site.targets:
            if target not in seen and project.sessions_given(target) - {None}:
                seen.add(target)
                yield from _opened(project, target, seen)


def _factory(project: Project, func: s.Expr) -> Variable | None:
    """The variable of a module that `func` names, or of which it names the sync side."""
    place = read_from(project, func) if isinstance(func, s.Name | s.Attribute) else None
    if place is None or is_bound_inside(place[1], project.scope_of(func)):
        return None
    factories = [f for f in project.session_factories if is_of_application(f)]
    named = [f for f in factories if is_variable(place[0], f.module, f.name, place[1])]
    for factory in named:
        for other in factories:
            if (other.module, sync_class_name_of(other.name)) == (factory.module, factory.name):
                return other
    return named[0] if named else None


def is_of_application(factory: Variable) -> bool:
    """Whether `factory` is one at the top of a module that is no test."""
    return (
        factory.kind in ("sessionmaker", "async_sessionmaker")
        and factory.scope.kind == "module"
        and not factory.module.is_test
    )


def _is_constructor(project: Project, call: s.Call) -> bool:
    return any(
        isinstance(found, External) and found.dotted in (*SESSIONS, *ASYNC_SESSIONS)
        for found in project.infer(call.func, project.scope_of(call))
    )


def _only_engine(project: Project, call: s.Call) -> Variable | None:
    """The engine of `Session(engine, ...)`, if all the rest are constants."""
    others = [value for value in call.values if not isinstance(value, s.Constant)]
    if len(others) != 1 or not isinstance(others[0], s.Name):
        return None
    name, home = others[0].id, project.scope_of(call).module
    if project.names.bindings(name, project.scope_of(call)) != home.scope.names.get(name, []):
        return None  # it is a variable of the function
    targets = set(project.names.lookup(name, home.scope))
    known = (
        engine
        for engine in project.engines
        if engine.scope.kind == "module"
        and targets.intersection(engine.module.scope.names.get(engine.name, ()))
    )
    return next(known, None)
