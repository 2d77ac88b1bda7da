"""Tests that put something in the place of the application's engine or session factory.

`patch("app.database.SessionLocal")` gives the application a mock where it now enters an async
session, and `SessionLocal.configure(bind=engine)` binds it to an engine that is not async.
`monkeypatch.setattr(database, "SessionLocal", TestingSession)`, with a factory that makes sync
ones, goes on working: a pytest plugin of the runtime adapts them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from migrate_async.index import types as t
from migrate_async.index.project import Project
from migrate_async.index.scopes import Binding, Function, Scope
from migrate_async.index.sessions import Variable
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, at
from migrate_async.plan.late_binds import LateBinds
from migrate_async.plan.testing.stand_ins import MOCK_SESSION, Place, place_of, test_calls, value_of

Sources = Mapping[Binding, Variable]


def replaced_sources(
    project: Project, becomes_async: Callable[[Variable], bool]
) -> Iterator[Diagnostic]:
    """What stands in the place of engines and factories that `becomes_async` names."""
    sources = {
        binding: variable
        for variable in (*project.session_factories, *project.engines)
        if variable.scope.kind == "module" and not variable.kind.startswith("async")
        for binding in variable.module.scope.names.get(variable.name, ())
        if becomes_async(variable)
    }
    for site, call in test_calls(project) if sources else ():
        place = place_of(project, call)
        found = _variable_at(project, place, sources) if place is not None else None
        if found is None or _is_async(project, value_of(call), sources):
            continue
        is_engine = found.kind == "engine"
        if not is_engine and _is_adapted(project, call):
            continue
        kind = "an async engine" if is_engine else "an async_sessionmaker"
        yield at(
            site.function.module.path,
            call.span,
            MOCK_SESSION,
            f"a test puts something in the place of {found.qualname}, which is async now",
            f"give it {kind} on the database of the tests, or rewrite the mock for `await`",
        )


def bound_by_tests(
    late_binds: LateBinds,
    becomes_async: Callable[[Variable], bool],
    converts: Callable[[Function], bool],
) -> Iterator[Diagnostic]:
    """`SessionLocal.configure(bind=engine)` in tests that stay sync."""
    for bind in late_binds.becoming_async(becomes_async):
        function, factory = bind.function, bind.factory
        if bind.is_async(becomes_async) or converts(function):
            continue
        yield at(
            function.module.path,
            bind.statement.span,
            MOCK_SESSION,
            f"a test that stays sync binds {factory.qualname}, which is async now",
            f"bind it to an async engine on the database of the tests, too, or select what the "
            f"tests run, so that they convert: `migrate-async plan --explain {function.qualname}`",
        )


def _is_adapted(project: Project, call: s.Call) -> bool:
    """Whether `call` is of monkeypatch, with something that makes sync sessions."""
    value = value_of(call)
    if s.dotted_name(call.func) != "monkeypatch.setattr" or value is None:
        return False
    scope = project.scope_of(value)
    if isinstance(value, s.Lambda):
        return project.session_kind(value.body, project.scope_of(value.body)) == "sync"
    called = s.Call(*value.span, value, (), ())
    return project.session_kind(called, scope) == "sync"


def _variable_at(project: Project, place: Place, sources: Sources) -> Variable | None:
    """The engine or factory that the name at `place` is, also where a module imports it."""
    scopes: list[Scope] = []
    if place.owner is None:
        scopes.append(place.scope)
    else:
        for item in t.ordered(project.infer(place.owner, place.scope)):
            module = project.modules.get(item.name) if isinstance(item, t.ModuleObject) else None
            if module is not None:
                scopes.append(module.scope)
    for scope in scopes:
        for target in project.names.lookup(place.name, scope):
            if not isinstance(target, t.Type) and target in sources:
                return sources[target]
    return None


def _is_async(project: Project, value: s.Expr | None, sources: Sources) -> bool:
    """Whether `value` is an async engine or factory, or becomes one."""
    if value is None:
        return False
    scope = project.scope_of(value)
    if isinstance(value, s.Name) and any(
        not isinstance(target, t.Type) and target in sources
        for target in project.names.lookup(value.id, scope)
    ):
        return True
    types = project.infer(value, scope)
    return project.engine_or_connection(value, scope) == "async-engine" or any(
        isinstance(item, t.SessionFactory) and item.is_async for item in types
    )
