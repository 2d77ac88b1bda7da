"""Tests on `TestClient` as tests on an async client: the plan of the codemod `async-client`.

The whole suite converts or none of it: a client is shared through fixtures.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Module
from migrate_async.index.sites import CallSite
from migrate_async.model.diagnostic import Diagnostic, Severity, at
from migrate_async.plan.module_edits import ModuleEdits
from migrate_async.plan.testing.client_tests.clients import Clients
from migrate_async.plan.testing.client_tests.edits import merge, suite_edits
from migrate_async.plan.testing.client_tests.uses import Refused, Uses, uses_of
from migrate_async.plan.testing.loops import loop_edits, run_by_anyio
from migrate_async.plan.testing.pytest_support import caller_without_await, is_fixture

LEFT = "MA571"
NEEDS = "MA572"

_NO_AWAIT = ("generator", "default", "decorator")
_HARMLESS = (
    "cache:",
    "generator",
    "decorator:freezegun.",
    "decorator:pytest.",
    "decorator:pytest_asyncio.",
    "decorator:time_machine.",
    "decorator:unittest.mock.",
)


def client_edits(project: Project) -> Iterator[tuple[Module, ModuleEdits]]:
    """The edits of the test modules, or the reason why there are none."""
    clients = Clients(project)
    try:
        uses = {function: uses_of(project, clients, function) for function in clients.functions}
        sites = _coroutines(project, uses)
        _check_loops(project, sites)
    except Refused as refusal:
        yield _module(project, refusal.path), ModuleEdits(diagnostics=[_left(refusal)])
        return
    if not any(found.made for found in uses.values()):
        return
    edits = suite_edits(project, clients, uses, sites)
    for module, aligned in loop_edits(project, sites.__contains__):
        merge(edits.setdefault(module, ModuleEdits()), aligned)
    noted = False
    for module, found in edits.items():
        if not noted:
            found.diagnostics.append(needs(module))
            noted = True
        yield module, found


def _coroutines(project: Project, uses: dict[Function, Uses]) -> dict[Function, list[CallSite]]:
    """The functions that become coroutines, each with its calls of others, which are awaited.

    Raises `Refused` where one of them cannot.
    """
    found: dict[Function, list[CallSite]] = {}
    pending = [function for function, made in uses.items() if made.waits]
    while pending:
        function = pending.pop()
        if function in found:
            continue
        found[function] = []
        _check(project, function)
        pending += [site.function for site in project.callers(function)]
    for function in list(found):
        for site in project.callers(function):
            _check_site(site)
            found[site.function].append(site)
    for function, made in uses.items():
        requested = {*map(id, made.requests), *map(id, made.closings)}
        for site in project.calls(function):
            if id(site.node) in requested:
                _check_site(site)
    return found


def _check(project: Project, function: Function) -> None:
    if function.is_module:
        raise Refused(function, None, "a client is used when the module is imported")
    if function.is_lambda:
        raise Refused(function, None, "a lambda calls a client")
    if not function.module.is_test:
        raise Refused(function, None, f"{function.qualname} is no part of the tests")
    caller = caller_without_await(project, function)
    if caller:
        raise Refused(function, None, f"{function.name} cannot be awaited: {caller}")
    if project.value_uses(function):
        raise Refused(function, None, f"{function.name} is handed on as a value")
    if function.is_generator and not is_fixture(function):
        raise Refused(function, None, f"{function.name} is a generator")
    for note in function.soft:
        if not note.startswith(_HARMLESS) or (
            note.startswith("cache:") and not is_fixture(function)
        ):
            raise Refused(function, None, f"its decorator may not await {function.name}: {note}")


def _check_loops(project: Project, sites: dict[Function, list[CallSite]]) -> None:
    for test in run_by_anyio(project, sites.__contains__):
        raise Refused(test, None, f"the plugin of anyio runs {test.name} on a loop of its own")


def _check_site(site: CallSite) -> None:
    for context in _NO_AWAIT:
        if context in site.context:
            raise Refused(site.function, site.node, f"a call inside a {context} cannot be awaited")
    if site.kind not in ("call", "dependency"):
        raise Refused(site.function, site.node, "a client is used through a property")


def _module(project: Project, path: str) -> Module:
    return next(module for module in project.modules.values() if module.path == path)


def _left(refusal: Refused) -> Diagnostic:
    return at(
        refusal.path,
        refusal.span,
        LEFT,
        f"the tests stay on TestClient: {refusal.reason}",
        "resolve that, or leave them: sync tests go on working beside migrated routes",
    )


def needs(module: Module) -> Diagnostic:
    """What runs tests that became coroutines, told once for the project."""
    return Diagnostic(
        path=module.path,
        code=NEEDS,
        message="the tests now need pytest-asyncio and httpx: the extra `testing` of migrate-async",
        next_step='add "migrate-async[testing]" to what the tests need',
        severity=Severity.NOTE.value,
    )
