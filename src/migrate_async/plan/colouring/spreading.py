"""Which functions run SQL: those that touch a sync session and, transitively, their callers.

The least fix-point over the call graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.sites import CallSite
from migrate_async.model.plan import Reason
from migrate_async.plan.colouring.awaitable_properties import AwaitableProperties
from migrate_async.plan.colouring.contracts import Contracts
from migrate_async.plan.colouring.reasons import at_call, at_definition, calls
from migrate_async.plan.colouring.touches import Touches


def running_sql(project: Project, touches: Touches) -> Mapping[Function, Reason]:
    """The functions of the application that run SQL, as far as the call graph tells.

    Those are fewer than the coloured ones, which share a session with code that stays sync, too.
    """
    return coloured(project, touches, lambda fn: fn.module.is_test, {})


def coloured(
    project: Project,
    touches: Touches,
    ignore: Callable[[Function], bool],
    seeds: Mapping[Function, Reason],
    contracts: Contracts | None = None,
) -> dict[Function, Reason]:
    """The functions that have to do with SQL, and why; what `ignore` accepts takes no part.

    `seeds` count as such whatever they do. With `contracts`, so do the functions that an abstract
    method stands for, if one of them does.
    """
    found: dict[Function, Reason] = {}
    pending: list[Function] = []

    def add(function: Function, reason: Reason) -> None:
        if function not in found and not ignore(function):
            found[function] = reason
            pending.append(function)

    for function in project.functions:
        touch = touches.first(function) or touches.left(function) or touches.handover(function)
        if touch is not None and not function.is_module:
            add(function, touch)
    for function, reason in seeds.items():
        add(function, reason)
    while pending:
        function = pending.pop()
        for other, reason in _along(project, function, contracts):
            add(other, reason)
        _add_callers(project, function, add)
        for site in project.bridges_to(function):
            _add_family(project, site, function, add)
    return dict(sorted(found.items(), key=lambda item: item[0].position))


def _along(
    project: Project, function: Function, contracts: Contracts | None
) -> Iterator[tuple[Function, Reason]]:
    """What runs in the place of `function`, or in whose place it may run."""
    for inner in project.wrapped_by(function):
        text = f"its decorator runs {function.qualname} in its place"
        yield inner, at_definition(inner, "wrapped", text, function)
    for other in contracts.of(function) if contracts is not None else ():
        text = f"a call may reach it or {function.qualname}, which an abstract method stands for"
        yield other, at_definition(other, "family", text, function)


def _add_callers(
    project: Project, function: Function, add: Callable[[Function, Reason], None]
) -> None:
    for site in project.callers(function):
        if spreads(site) and _is_awaited(project, function):
            add(site.function, calls(site, function))
            _add_family(project, site, function, add)


def _is_awaited(project: Project, function: Function) -> bool:
    """Whether its callers could await it; those of a lambda do what it would do."""
    if not function.boundary or function.is_lambda:
        return True
    return function in project.shared(AwaitableProperties)


def _add_family(
    project: Project,
    site: CallSite,
    function: Function,
    add: Callable[[Function, Reason], None],
) -> None:
    """A call, or a bridge, that may reach several functions awaits all of them or none."""
    for other in site.targets:
        can = other.boundary is None or other in project.shared(AwaitableProperties)
        if other is not function and can:
            text = f"a call at {site.place} may reach it or {function.qualname}"
            add(other, at_call(site, "family", text, function))


def spreads(site: CallSite) -> bool:
    """Whether the caller of `site` has to await what it calls.

    FastAPI awaits dependencies, a bridge is awaited already, and a module's top level is no
    function.
    """
    return site.kind not in ("dependency", "bridge") and not site.function.is_module
