"""Whether a project's tests have to change with it.

Tests that only send requests and override dependencies run unchanged: an overriding sync session
is adapted by the pytest plugin. Tests that call converted functions themselves must await them.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.sessions import Variable
from migrate_async.knowledge.shim import PACKAGE
from migrate_async.model.diagnostic import Diagnostic
from migrate_async.plan.colouring.colour import Colouring
from migrate_async.plan.makers import Makers
from migrate_async.plan.names import local_name
from migrate_async.plan.testing.client_tests import LEFT, client_edits
from migrate_async.plan.testing.overrides import Override, functions_named, overrides


def tests_take_part(project: Project, colouring: Colouring) -> bool:
    """Whether a test or fixture calls a function that converts, or uses what becomes async."""
    return (
        _uses_sources(project)
        or _asks_givers(project)
        or _asks_makers(project, colouring)
        or any(
            site.function.module.is_test and site.kind != "dependency"
            for function in colouring.coloured
            for site in project.callers(function)
        )
    )


def _uses_sources(project: Project) -> bool:
    """Whether a test module imports the application's session factory or engine.

    Those that earlier runs made async count as what they were: a suite that waits for the last
    route must not be forgotten then.
    """
    sources = [
        variable
        for variable in (*project.session_factories, *project.engines)
        if not variable.module.is_test
        and (variable.kind in ("sessionmaker", "engine") or _was_migrated(variable))
    ]
    tests = [module for module in project.modules.values() if module.is_test]
    return any(
        local_name(module, variable.module.name, variable.name)
        for module in tests
        for variable in sources
    )


def _was_migrated(variable: Variable) -> bool:
    """Whether an earlier run made the factory or engine async: the runtime is used there then."""
    is_async = variable.kind in ("async_sessionmaker", "async-engine")
    return is_async and any(source == PACKAGE for source, _ in variable.module.imported_as)


def _asks_givers(project: Project) -> bool:
    """Whether a test calls a function of the application that returns a session."""
    return any(
        site.function.module.is_test and site.kind == "call"
        for function in project.functions
        if function.returns and not function.module.is_test
        for site in project.callers(function)
        if "sync" in project.sessions_given(function)
    )


def _asks_makers(project: Project, colouring: Colouring) -> bool:
    """Whether a test gets an engine or factory from where functions that convert get theirs."""
    makers = project.shared(Makers)
    return any(
        any(caller.module.is_test for caller in callers) and any(map(colouring.converts, callers))
        for function in project.functions
        if function.returns and not function.module.is_test and "engine" in makers.kinds(function)
        for callers in ([site.function for site in project.callers(function)],)
    )


def scoped_sessions(project: Project) -> Iterator[Variable]:
    """Those of test suites: their sessions are of a thread, which an event loop does not have."""
    for factory in project.session_factories:
        if factory.kind == "scoped_session" and factory.module.is_test:
            yield factory


def tied_clients(project: Project) -> Iterator[Diagnostic]:
    """Why clients stay on a loop of their own that requests on sessions of the tests run on.

    A connection of asyncpg works on one event loop only.
    """
    if any(True for _ in _sessions_given(project)):
        for _, edits in client_edits(project):
            yield from (item for item in edits.diagnostics if item.code == LEFT)


def kept_overrides(project: Project, colouring: Colouring) -> Iterator[Override]:
    """Sessions of tests that take the place of those of a dependency that stays sync."""
    for found in _sessions_given(project):
        functions = functions_named(project, found.dependency, found.function.scope)
        if any(function in colouring.kept for function in functions):
            yield found


def _sessions_given(project: Project) -> Iterator[Override]:
    """The overrides by which an application gets a session that its tests made."""
    return (found for found in overrides(project) if _gives_session(project, found))


def _gives_session(project: Project, override: Override) -> bool:
    """Whether an application gets a session that its tests made."""
    return any(
        "sync" in project.sessions_given(function)
        for function in functions_named(project, override.value, override.function.scope)
    )
