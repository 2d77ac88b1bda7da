"""Which functions take part in a run: what was selected and what that needs.

A route needs its dependencies and, as far as nothing else calls them, its helpers. An engine that
becomes async needs the application's start-up, and so do coroutines on a sync session: on the
event loop there is no sync side of a session (`runtime.hop`). What migrated code still reaches
through a bridge takes part in every run, so that bridges go as soon as they can.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function

_START_UP = "on_event"


def reach(
    project: Project,
    roots: Iterable[Function],
    peers: Callable[[Function], Iterable[Function]] = lambda _function: (),
) -> frozenset[Function]:
    """`roots`, what always takes part, and everything that these run.

    `peers` names the functions that share a session object with a function: they go together.
    """
    dependencies = project.route_dependencies
    values = _values(project)
    found: set[Function] = set()
    pending = [*roots, *_always(project)]
    while pending:
        function = pending.pop()
        if function in found or function.module.is_test:
            continue
        found.add(function)
        pending += dependencies.get(function, ())
        pending += values.get(function, ())
        pending += peers(function)
        for site in (*project.calls(function), *project.bridges(function)):
            pending += site.targets
    return frozenset(found)


def _always(project: Project) -> Iterator[Function]:
    for function in project.functions:
        if (
            function.is_async
            or _START_UP in function.decorator_names
            or project.bridges_to(function)
            or function in project.originals.twins
        ):
            yield function


def _values(project: Project) -> dict[Function, list[Function]]:
    """What each function hands on as a value: a background task, for example."""
    found: dict[Function, list[Function]] = {}
    for function in project.functions:
        for use in project.value_uses(function):
            if use.kind.startswith("arg:") and not use.function.is_module:
                found.setdefault(use.function, []).append(function)
    return found
