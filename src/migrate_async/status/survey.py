"""From a linked project to its `Status`; one pure function."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from migrate_async.index.project import Function, Project, Route
from migrate_async.index.scopes import last_name
from migrate_async.index.types import External, FunctionObject
from migrate_async.knowledge.shim import PACKAGE, SHIM
from migrate_async.model import syntax as s
from migrate_async.model.status import Blocker, ModuleStatus, RouteStatus, State, Status, Use
from migrate_async.plan.leftovers.twins import SYNC_DEPENDENCY
from migrate_async.plan.paths import is_under
from migrate_async.status.colours import Colours

_STATES = {
    State.ASYNC: "migrated",
    State.BRIDGED: "bridged",
    State.SYNC: "left",
    State.MIXED: "left",
}


def survey(
    project: Project,
    name: str = "",
    selection: Sequence[str] = (),
    lint: Mapping[str, int] | None = None,
) -> Status:
    """How far the files of `selection` (none: all) are, tests left out.

    `name` is what the report calls the project; `lint` the linter's findings by code.
    """
    colours = Colours(project)
    functions = [
        fn
        for fn in project.functions
        if not fn.module.is_test and is_under(fn.module.path, tuple(selection))
    ]
    chosen = set(functions)
    routes = [route for route in project.routes if route.function in chosen]
    return Status(
        project=name,
        routes=tuple(sorted(_route(route, colours) for route in routes)),
        modules=tuple(_modules(project, functions, colours)),
        bridges=tuple(sorted(use for fn in functions for use in colours.bridges.get(fn, ()))),
        shims=tuple(sorted({use for fn in functions for use in _shims(project, fn)})),
        blockers=tuple(_blockers(project, functions, colours)),
        lint=dict(sorted((lint or {}).items())),
    )


def _route(route: Route, colours: Colours) -> RouteStatus:
    fn = route.function
    state = colours.of_route(fn, route.dependencies)
    line = fn.node.line if fn.node is not None else 1
    return RouteStatus(
        fn.module.path, line, fn.qualname, route.path, tuple(route.methods), state.value
    )


def _modules(
    project: Project, functions: Sequence[Function], colours: Colours
) -> Iterator[ModuleStatus]:
    """The modules with database functions, or with query chains."""
    counts: Counter[tuple[str, str]] = Counter()
    for fn in functions:
        counts[fn.module.path, "chains"] += _chains(project, fn)
        column = _STATES.get(colours.state(fn))
        if column and isinstance(fn.node, s.FunctionDef):
            counts[fn.module.path, column] += 1
    columns = ("migrated", "bridged", "left", "chains")
    for path in sorted({path for (path, _), number in counts.items() if number}):
        yield ModuleStatus(path, *(counts[path, column] for column in columns))


def _chains(project: Project, fn: Function) -> int:
    """The legacy `Query` chains that start in `fn`."""
    return sum(
        isinstance(call.node.func, s.Attribute)
        and call.node.func.attr == "query"
        and project.session_kind(call.node.func.value, call.scope) is not None
        for call in fn.calls
    )


# --- the shim ----------------------------------------------------------------------------------


def _shims(project: Project, fn: Function) -> Iterator[Use]:
    """Where `fn` uses what is there only while the project migrates."""
    nodes = [(call.node.func, call.scope) for call in fn.calls]
    nodes += [(reference.node, reference.scope) for reference in fn.references]
    for node, scope in nodes:
        if last_name(node) not in SHIM:
            continue
        for item in project.infer(node, scope):
            if _is_shim(item):
                yield Use(fn.module.path, node.line, last_name(node), fn.qualname)


def _is_shim(item: object) -> bool:
    if isinstance(item, FunctionObject):
        return item.fn.name == SYNC_DEPENDENCY
    return isinstance(item, External) and item.dotted.partition(".")[0] == PACKAGE


# --- what is in the way ------------------------------------------------------------------------


def _blockers(
    project: Project, functions: Sequence[Function], colours: Colours
) -> Iterator[Blocker]:
    """Boundaries that reach sync database code, and calls that pass a session to the unknown."""
    waiting = _routes_waiting(project, colours)
    found = []
    for fn in functions:
        line = fn.node.line if fn.node is not None else 1
        if fn.boundary is not None and colours.reaches_sync(fn):
            found.append((fn, line, _why(fn.boundary)))
        found += [
            (fn, site.node.line, "passes a session to a call of unknown target")
            for site in project.calls(fn)
            if not site.resolved and project.passes_session(site)
        ]
    blockers = [
        Blocker(
            routes=waiting.get(fn, 0),
            path=fn.module.path,
            line=line,
            function=fn.qualname,
            reason=reason,
        )
        for fn, line, reason in found
    ]
    yield from sorted(set(blockers), key=lambda item: (-item.routes, item))


_WHY = {
    "module-level": "runs when its module is imported",
    "lambda": "a lambda cannot await",
    "property": "reading a property cannot be awaited",
    "init": "making an object cannot be awaited",
    "dunder": "Python calls it, and does not await",
    "cli": "a command: its framework does not await it",
    "task": "a task: its worker does not await it",
    "sqlalchemy-event": "an event listener: SQLAlchemy does not await it",
    "validator": "a validator: pydantic does not await it",
}


def _why(boundary: str) -> str:
    """What makes a function a boundary, in words."""
    kind, _, detail = boundary.partition(":")
    if kind == "override":
        return f"overrides a method of {detail}, which does not await it"
    if kind == "value":
        return f"given away as a value ({detail}): who calls it is not known to await it"
    return _WHY.get(kind, boundary)


def _routes_waiting(project: Project, colours: Colours) -> dict[Function, int]:
    """How many routes reach each sync function."""
    counts: Counter[Function] = Counter()
    for route in project.routes:
        seen: set[Function] = set()
        pending = [fn for fn in (route.function, *route.dependencies) if colours.reaches_sync(fn)]
        while pending:
            fn = pending.pop()
            if fn in seen:
                continue
            seen.add(fn)
            targets = {target for site in project.calls(fn) for target in site.targets}
            pending += [target for target in targets if colours.reaches_sync(target)]
        counts.update(seen)
    return counts
