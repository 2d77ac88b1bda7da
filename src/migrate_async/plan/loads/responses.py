"""Routes of which the runtime makes the response where reading loads: `@lazy_response`.

To await one by one what a deep response model reads takes hundreds of lines, and what is read of
objects from nobody knows where could only be loaded with each object of its class. The decorator
lets either load when it is read, as before. So it does in a coroutine that serves the route, which
may fill the response itself: `return [OrderOut.model_validate(order) for order in found]`.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Module, last_name
from migrate_async.knowledge.fastapi import ROUTE_METHODS
from migrate_async.knowledge.runtime import LAZY_RESPONSE
from migrate_async.knowledge.shim import PACKAGE
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, note
from migrate_async.plan.colouring.colour import Colouring
from migrate_async.plan.loads.paths import Path
from migrate_async.plan.loads.sinks import Sink
from migrate_async.plan.module_edits import ModuleEdits, add_import

NAME = "eager-relationships"
MOST_AWAITED = 5
"""How many attributes are awaited before a response; for more the route gets the decorator."""

_OTHER_ROUTES = frozenset({"route", "websocket", "websocket_route"})
_NAMED = 3


class LazyRoutes:
    """The routes that can have the decorator, in a project that becomes as `colouring` says."""

    def __init__(self, project: Project, colouring: Colouring) -> None:
        self._project = project
        self._colouring = colouring
        self._dependencies = project.route_dependencies

    def __contains__(self, route: object) -> bool:
        if not isinstance(route, Function) or route not in self._dependencies:
            return False
        if route.is_generator or not _is_of_fastapi(route):
            return False
        if route.is_async or route.responds_lazily or self._colouring.converts(route):
            return True
        # The decorator makes a coroutine function of it: nobody else may call it.
        return (
            route.is_route
            and any(map(self._colouring.converts, self._dependencies.get(route, ())))
            and not self._project.callers(route)
            and not self._project.value_uses(route)
        )


def handled(sink: Sink, colouring: Colouring) -> Function | None:
    """The route in whose handling `sink` reads: for its response, or as a coroutine itself."""
    if sink.route is not None:
        return sink.route
    function = sink.function
    return function if function.is_async or colouring.converts(function) else None


def _is_of_fastapi(route: Function) -> bool:
    """Whether it serves nothing but FastAPI's own routes: those of Starlette make no response."""
    return isinstance(route.node, s.FunctionDef) and not any(
        last_name(decorator.func) in _OTHER_ROUTES
        for decorator in route.node.decorators
        if isinstance(decorator, s.Call)
    )


def is_too_much(paths: Iterable[frozenset[Path]]) -> bool:
    """Whether so many attributes are on `paths`, of one root each, that no one would read it."""
    awaited = (path[:end] for found in paths for path in found for end in range(1, len(path) + 1))
    return len(set(awaited)) > MOST_AWAITED


def lazy_response_edits(
    project: Project,
    lazy: Mapping[Function, list[Sink]],
    converts: Callable[[Function], bool],
    unknown: Container[Function],
) -> Iterator[tuple[Module, ModuleEdits]]:
    """The decorator for those of the `lazy` routes that get objects of what `converts`.

    Of some of them it is `unknown` what they read.
    """
    dependencies = project.route_dependencies
    for route, sinks in lazy.items():
        if route.responds_lazily:
            continue
        if any(map(converts, (route, *dependencies.get(route, ())))):
            yield route.module, _decorated(route, sinks, is_known=route not in unknown)


def _decorated(route: Function, sinks: list[Sink], *, is_known: bool) -> ModuleEdits:
    found = ModuleEdits()
    node = route.node
    assert isinstance(node, s.FunctionDef)  # noqa: S101  `LazyRoutes` has no others
    code = add_import(found, route.module, PACKAGE, LAZY_RESPONSE, NAME)
    above = _route_decorators(node)
    found.edits.append(p.AddDecorator(span=node.span, codemod=NAME, code=code, below=above))
    found.diagnostics.append(_told(route, node, sinks, is_known=is_known))
    return found


def _route_decorators(node: s.FunctionDef) -> int:
    """How many decorators there are down to the last one that registers a route."""
    numbers = (
        number
        for number, decorator in enumerate(node.decorators, 1)
        if isinstance(decorator, s.Call) and last_name(decorator.func) in ROUTE_METHODS
    )
    return max(numbers, default=0)


def _told(route: Function, node: s.FunctionDef, sinks: list[Sink], *, is_known: bool) -> Diagnostic:
    first = {path[0] for sink in sinks for path in sink.paths}
    first |= {step for sink in sinks for step in (*sink.reads.blocked, *sink.reads.unseen)}
    read = sorted(f"{step.model.name}.{step.name}" for step in first) or ["columns of subclasses"]
    more = f" and {len(read) - _NAMED} more" * (len(read) > _NAMED)
    what = f"reads {', '.join(read[:_NAMED])}{more}"
    if not sinks:
        what = (
            "is read by a model that others give"
            if is_known
            else "reads objects of which nobody knows what they are"
        )
    return note(
        route.module.path,
        node.span,
        "MA512",
        f"what {route.qualname} responds with {what}: "
        f"@{LAZY_RESPONSE} lets it load what it reads, as before",
        "add migrate-async to the application's dependencies; `selectinload()` in the query needs "
        "fewer queries",
    )
