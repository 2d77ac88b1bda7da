"""Tests and fixtures that stay sync among fixtures that convert: `@implicit_io`.

What they get from those is of the event loop. The decorator of the runtime runs them there as they
are, in a greenlet, on the sync sides of what they get.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Module
from migrate_async.knowledge.shim import IMPLICIT_IO, PACKAGE
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import at
from migrate_async.model.plan import Reason
from migrate_async.plan.both_worlds.implicit import AWAITS_IMPLICITLY
from migrate_async.plan.colouring.fixtures import is_source
from migrate_async.plan.leftovers.scaffold import implicit_mark
from migrate_async.plan.module_edits import ModuleEdits, add_import
from migrate_async.plan.testing.pytest_support import (
    NAME,
    caller_without_await,
    fixtures_of,
    is_fixture,
    pytest_edits,
    takes_fixtures,
)


def kept_test_edits(
    project: Project,
    kept: Mapping[Function, Reason],
    converts: Callable[[Function], bool],
    makes: Callable[[Function], bool],
) -> Iterator[tuple[Module, ModuleEdits]]:
    """What pytest-asyncio and the runtime need to run the tests and fixtures among `kept`.

    `makes`: a fixture that only makes an async session, `return factory()`, is no coroutine.
    """
    reached = _on_the_loop(project, lambda fixture: converts(fixture) or makes(fixture))
    for function in kept:
        if function not in reached or implicit_mark(function) is not None:
            continue
        if caller_without_await(project, function):
            continue
        # `plan.testing.loops` sees to the loop of those that are coroutines.
        found = ModuleEdits() if function.is_async else pytest_edits(function)
        found.take(_mark(function, kept[function], _sync_sides(project, function, reached)))
        yield function.module, found


def _on_the_loop(project: Project, of_loop: Callable[[Function], bool]) -> set[Function]:
    """Fixtures that are `of_loop`, and what gets something from them, also through others."""
    users: dict[Function, list[Function]] = {}
    for function in filter(takes_fixtures, project.functions):
        for _, fixture in fixtures_of(project, function):
            users.setdefault(fixture, []).append(function)
    pending = [fixture for fixture in users if of_loop(fixture)]
    reached: set[Function] = set()
    while pending:
        fixture = pending.pop()
        if fixture not in reached:
            reached.add(fixture)
            pending += users.get(fixture, ())
    return reached


def _sync_sides(project: Project, function: Function, reached: Container[Function]) -> list[str]:
    """The parameters of a coroutine that got something sync from what becomes async."""
    if not function.is_async:
        return []
    found: list[str] = []
    for param, fixture in fixtures_of(project, function):
        if fixture in reached:
            types = project.infer(s.Name(*param.span, param.name), function.scope)
            if is_source(project, types) and project.session_kind_of(types) != "async":
                found.append(param.name)
    return found


def _mark(function: Function, reason: Reason, sides: list[str]) -> ModuleEdits:
    found = ModuleEdits()
    node = function.node
    assert isinstance(node, s.FunctionDef)  # noqa: S101  tests and fixtures are
    code = add_import(found, function.module, PACKAGE, IMPLICIT_IO, NAME)
    if sides:
        names = ", ".join(f'"{name}"' for name in sides)
        code += f"(sync_sides=[{names}])"
    # Above the other decorators of a test, which get what they always got; below a fixture's.
    found.edits.append(
        p.AddDecorator(span=node.span, codemod=NAME, code=code, inner=is_fixture(function))
    )
    text = (
        f"{function.qualname} stays sync ({reason.text}) and gets what coroutines make: "
        f"@{IMPLICIT_IO} runs it on the event loop, on the sync side of its sessions"
    )
    step = (
        f"resolve what keeps it sync (`migrate-async plan --explain {function.qualname}`); add "
        "migrate-async to the dependencies of the tests"
    )
    found.diagnostics.append(at(function.module.path, node.span, AWAITS_IMPLICITLY, text, step))
    return found
