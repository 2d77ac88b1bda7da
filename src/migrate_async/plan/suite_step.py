"""The step `tests`: a suite on an async client and async sessions of its own.

First the clients (`plan.testing.client_tests`), then, once the application has migrated, what the
suite makes sessions with: its engines, factories, fixtures and overrides become async as those of
the application did, and the tests that use them coroutines. All of a suite converts or none of it:
its sessions are shared through fixtures, and what one test writes another one reads.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.config import Settings
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, at
from migrate_async.model.selection import EVERYTHING
from migrate_async.plan.async_step import AsyncStep, Grounds
from migrate_async.plan.both_worlds.surroundings import Surroundings
from migrate_async.plan.collector import Collector
from migrate_async.plan.inner_listeners import is_listener
from migrate_async.plan.queries import Queries
from migrate_async.plan.session_factories import factory_obstacle
from migrate_async.plan.testing.client_tests import LEFT, NEEDS, client_edits, needs
from migrate_async.plan.testing.loops import run_by_anyio
from migrate_async.plan.testing.object_factories import unfit_factories
from migrate_async.plan.testing.overrides import sync_overridden

SYNC_SESSIONS = "MA573"
OBJECT_FACTORIES = "MA574"

_AGAIN = "run `migrate-async migrate --all` first, and then this step again"
_USE_ASYNCIO = (
    "run it by pytest-asyncio, or leave it: sync sessions in tests go on working beside migrated "
    "routes"
)
_AWAIT = (
    "make it a coroutine and await there, or leave it: sync sessions in tests go on working beside "
    "migrated routes"
)
_LEAVE = "resolve that, or leave it: sync sessions in tests go on working beside migrated routes"


def plan_suite(project: Project, settings: Settings, collector: Collector) -> None:
    """Add what the step does to all test suites of `project`."""
    clients = list(client_edits(project))
    collector.add_modules(clients)
    if any(item.code == LEFT for _, found in clients for item in found.diagnostics):
        return  # an async session and `TestClient` live in different event loops
    queries = Queries(project, settings)
    around = Surroundings(project, settings)
    step = AsyncStep(around, EVERYTHING, Grounds(around, p.Step.TESTS, queries))
    if not any(function.module.is_test for function in step.colouring.coloured):
        if step.maker_of_sync is not None:
            maker, member = step.maker_of_sync
            text = f"{maker.qualname} makes an object whose {member.name} stays sync"
            collector.diagnostics.append(_left(maker, text, _LEAVE))
        return
    obstacle = next(_obstacles(project, step), None)
    if obstacle is not None:
        collector.diagnostics.append(obstacle)
        return
    step.run(collector)
    if not any(item.code == NEEDS for _, found in clients for item in found.diagnostics):
        collector.diagnostics += _runner(project, step)
    for function, planned in queries.sync.functions.items():
        if function.module.is_test:
            collector.diagnostics += planned.diagnostics


def _runner(project: Project, step: AsyncStep) -> Iterator[Diagnostic]:
    """What runs the tests that become coroutines, unless something runs coroutines already."""
    tests = [f for f in project.functions if f.is_test and f.module.is_test]
    converted = next(filter(step.colouring.converts, tests), None)
    if converted is not None and not any(test.is_async for test in tests):
        yield needs(converted.module)


def _obstacles(project: Project, step: AsyncStep) -> Iterator[Diagnostic]:
    """Why the sessions of the tests stay sync."""
    yield from _application(project, step)
    for function, found in sync_overridden(project):
        text = f"they take the place of those of {function.qualname}, which is sync"
        yield _left(found.function, text, _AGAIN, found.dependency.span)
    yield from _object_factories(project)
    for test in run_by_anyio(project, step.colouring.converts):
        text = f"{test.qualname} is run by the plugin of anyio, on a loop of its own"
        yield _left(test, text, _USE_ASYNCIO)
    for test, chain in step.blocking.stuck_tests(step.colouring):
        text = f"{test.qualname} runs an event loop of its own, `{chain}`"
        yield _left(test, text, _AWAIT)
    for factory in project.session_factories:
        if not factory.module.is_test or factory.kind == "async_sessionmaker":
            continue
        why = factory_obstacle(project, factory)
        if why is not None:
            yield _left(factory.scope.function, why.message, why.next_step, factory.value.span)
    for function, reason in step.colouring.kept.items():
        if function.module.is_test and not is_listener(function):
            yield _left(function, f"{function.qualname} cannot await: {reason.text}", _LEAVE)


def _application(project: Project, step: AsyncStep) -> Iterator[Diagnostic]:
    """Whether it has migrated, as far as it can."""
    colouring = step.application
    for function in colouring.coloured:
        if colouring.converts(function):
            yield _left(function, f"{function.qualname} has not migrated yet", _AGAIN)
    sources = (*project.session_factories, *project.engines)
    is_async = any(item.kind.startswith("async") and not item.module.is_test for item in sources)
    if not is_async:
        tests = (f for f in step.colouring.coloured if f.module.is_test)
        yield _left(next(tests), "the application has no async sessions", _AGAIN)


def _object_factories(project: Project) -> Iterator[Diagnostic]:
    """Factories of factory_boy that need a sync session to add objects to."""
    for found in unfit_factories(project):
        text = f"the sessions of the tests stay sync: {found.reason}"
        step = f"{found.next_step}; sync sessions in tests go on working, too"
        yield at(found.module.path, found.span, OBJECT_FACTORIES, text, step)


def _left(
    function: Function, reason: str, next_step: str, span: s.Span | None = None
) -> Diagnostic:
    node = function.node
    where = span or (node.span if node is not None else (1, 0, 1, 0))
    text = f"the sessions of the tests stay sync: {reason}"
    return at(function.module.path, where, SYNC_SESSIONS, text, next_step)
