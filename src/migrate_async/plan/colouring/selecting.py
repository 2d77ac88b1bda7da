"""What was selected, as functions of the linked project: the roots of a partial migration."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence

from migrate_async.errors import UsageError
from migrate_async.index.project import Project
from migrate_async.index.routes import Route
from migrate_async.index.scopes import Function
from migrate_async.model.selection import Selection
from migrate_async.plan.paths import is_under

Cheapest = Callable[[], Iterable[Function]]
"""The functions of the routes that are still sync, the cheapest first."""


def roots(project: Project, selection: Selection, cheapest: Cheapest) -> frozenset[Function]:
    """The functions that `selection` names; everything, if it names nothing.

    Raises `UsageError` with near matches for a name that the project does not have.
    """
    if selection.is_everything:
        return frozenset(project.functions)
    found: set[Function] = set()
    for route in selection.routes:
        found.update(_route(project, route))
    for router in selection.routers:
        found.update(_router(project, router))
    for module in selection.modules:
        found.update(_module(project, module))
    for function in selection.functions:
        found.update(_function(project, function))
    if selection.next or selection.percent:
        found.update(list(cheapest())[: _number_of_next(project, selection)])
    if selection.paths:
        found.update(f for f in project.functions if is_under(f.module.path, selection.paths))
    return frozenset(found)


def _number_of_next(project: Project, selection: Selection) -> int:
    routes = len({route.function for route in project.routes})
    return max(selection.next, math.ceil(routes * selection.percent / 100))


def route_names(route: Route) -> Iterator[str]:
    """`GET /users`, one for each method and path that the route answers."""
    for path in route.paths:
        for method in route.methods or ("GET",):
            yield f"{method} {path}"


def _route(project: Project, wanted: str) -> set[Function]:
    method, separator, path = wanted.strip().partition(" ")
    if not separator:
        method, path = "", method
    method, path = method.upper(), path.strip()
    for paths in ((path,), (path.rstrip("/"), path.rstrip("/") + "/")):
        found = {
            route.function
            for route in project.routes
            if not set(paths).isdisjoint(route.paths) and (not method or method in route.methods)
        }
        if found:
            return found
    known = [name for route in project.routes for name in route_names(route)]
    return _unknown("route", f"{method} {path}".strip(), known)


def _router(project: Project, wanted: str) -> set[Function]:
    if wanted.startswith("/"):
        prefix = wanted.rstrip("/")
        found = {
            route.function
            for route in project.routes
            for path in route.paths
            if path == prefix or path.startswith(prefix + "/")
        }
    else:
        found = {
            route.function
            for route in project.routes
            if _ends(route.router, wanted) or _ends(route.router.rpartition(".")[0], wanted)
        }
    return found or _unknown("router", wanted, [route.router for route in project.routes])


def _module(project: Project, wanted: str) -> set[Function]:
    modules = [name for name in project.modules if _ends(name, wanted)]
    if wanted in project.modules:
        modules = [wanted]
    found = {
        function
        for function in project.functions
        for name in modules
        if function.module.name == name or function.module.name.startswith(f"{name}.")
    }
    return found or _unknown("module", wanted, project.modules)


def _function(project: Project, wanted: str) -> set[Function]:
    exact = project.function(wanted)
    if exact is not None:
        return {exact}
    found = {f for f in project.functions if not f.is_module and _ends(f.qualname, wanted)}
    if len(found) > 1:
        names = ", ".join(sorted(function.qualname for function in found)[:5])
        raise UsageError(f"more than one function is called {wanted!r}: {names}")
    known = [f.qualname for f in project.functions if not (f.is_module or f.is_lambda)]
    return found or _unknown("function", wanted, known)


def _ends(name: str, wanted: str) -> bool:
    return name == wanted or name.endswith(f".{wanted}")


def _unknown(kind: str, wanted: str, known: Iterable[str]) -> set[Function]:
    names = [name for name in dict.fromkeys(known) if name]
    if not names:
        raise UsageError(f"the project has no {kind}s at all: name its folder, or run this there")
    near = _near(wanted, names)
    if near:
        advice = f"did you mean {', '.join(near)}?"
    elif kind in ("route", "router"):
        advice = "`migrate-async scan --verbose` lists the routes"
    else:
        advice = "`migrate-async plan --verbose` lists the functions"
    raise UsageError(f"the project has no {kind} {wanted!r}; {advice}")


def _near(wanted: str, names: Sequence[str]) -> list[str]:
    """The three names most like `wanted`: as a whole, by their end, or by one of their parts."""
    last = wanted.rpartition(".")[2]
    ends = [name for name in names if name.rpartition(".")[2] == last]
    close = difflib.get_close_matches(wanted, names, n=3, cutoff=0.5)
    by_part = {part: name for name in reversed(names) for part in name.split(".")}
    parts = difflib.get_close_matches(wanted, by_part, n=3, cutoff=0.75)
    return list(dict.fromkeys([*ends[:3], *close, *(by_part[part] for part in parts)]))[:3]
