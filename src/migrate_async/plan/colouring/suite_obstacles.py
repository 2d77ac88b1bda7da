"""Why test suites stay on sync sessions: what in them has no async form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.model.plan import SUITE_STAYS, Reason
from migrate_async.plan.colouring.colour import Colouring
from migrate_async.plan.colouring.reasons import at_definition
from migrate_async.plan.colouring.suites import kept_overrides, scoped_sessions, tied_clients
from migrate_async.plan.testing.loops import run_by_anyio
from migrate_async.plan.testing.object_factories import unfit_factories

_STAY = "the tests stay on sync sessions"

Stuck = Callable[[Colouring], Iterable[tuple[Function, str]]]
"""The tests of a colouring that run event loops and cannot, with the calls by which they do."""


def suite_obstacles(
    project: Project, alone: Colouring, together: Colouring, stuck: Stuck
) -> Iterator[Reason]:
    """What keeps the suites of `project`, whatever they make; `together` is with them."""
    for unfit in unfit_factories(project):
        yield Reason(SUITE_STAYS, f"{_STAY}: {unfit.reason}", unfit.module.path, unfit.span[0])
    for test in run_by_anyio(project, together.converts):
        yield _at(test, f"the plugin of anyio runs {test.qualname}, on a loop of its own")
    for factory in scoped_sessions(project):
        text = f"{_STAY}: those of {factory.qualname} belong to threads"
        yield Reason(SUITE_STAYS, text, factory.module.path, factory.value.line)
    for test, chain in stuck(together):
        yield _at(test, f"{test.qualname} runs an event loop of its own, `{chain}`")
    for found in tied_clients(project):
        yield Reason(SUITE_STAYS, f"{_STAY}: {found.message}", found.path, found.line)
    for override in kept_overrides(project, alone):
        text = f"{_STAY}: they take the place of those of a dependency that stays sync"
        path, line = override.function.module.path, override.dependency.line
        yield Reason(SUITE_STAYS, text, path, line)


def makes_sync(maker: Function, member: Function, together: Colouring) -> tuple[Reason, ...]:
    """`maker`, a test, makes an object whose `member` stays sync: that, and why it does.

    The first reason leads on to the function that is at the end of that chain.
    """
    chain = list(_chain(member, together))
    end = next((reason.because_of for reason in reversed(chain) if reason.because_of), "")
    text = f"{_STAY}: {maker.qualname} makes an object whose {member.name} stays sync"
    because_of = end or member.qualname
    return (Reason(SUITE_STAYS, text, maker.module.path, maker.line, because_of), *chain)


def all_stay(text: str) -> tuple[Reason, ...]:
    """The same for all tests of a project, for the reason that `text` gives."""
    return (Reason(SUITE_STAYS, f"{_STAY}: {text}"),)


def _chain(function: Function, colouring: Colouring) -> Iterator[Reason]:
    """Why `function` stays sync, and why those do for whose sake it does."""
    by_name = {found.qualname: reason for found, reason in colouring.kept.items()}
    name, seen = function.qualname, set[str]()
    while name in by_name and name not in seen:
        seen.add(name)
        yield by_name[name]
        name = by_name[name].because_of


def _at(test: Function, text: str) -> Reason:
    return at_definition(test, SUITE_STAYS, f"{_STAY}: {text}")
