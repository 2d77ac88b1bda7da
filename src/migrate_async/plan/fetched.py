"""Sessions that are taken out of a dependency by hand: `db = next(get_session())`.

Where a factory makes them, the function calls it instead. Where `get_session` calls the class
itself, `with Session(engine) as session:`, the function does that, too, on the same engine.
"""

from __future__ import annotations

from dataclasses import dataclass

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.sessions import Variable
from migrate_async.index.types import External, FunctionObject
from migrate_async.knowledge.sqlalchemy import ASYNC_SESSIONS, SESSIONS
from migrate_async.model import syntax as s


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

    A factory at the top of a module makes those of all dependencies.
    """
    return not any(map(is_of_application, project.session_factories)) and (
        construction(project, call) is None
    )


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
