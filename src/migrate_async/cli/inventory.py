"""From a linked project to the `ScanResult` that `scan` reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from migrate_async.model import syntax as s
from migrate_async.model.scan import Definition, FileFacts, RouteFacts, ScanResult

if TYPE_CHECKING:
    from migrate_async.index.project import CallSite, Function, Project

_COUNTED = ("queries", "operations", "async_operations", "sessions", "routes", "models")


def take_inventory(
    project: Project, covers: Callable[[str], bool] = lambda _path: True
) -> ScanResult:
    """What the files hold whose path `covers` takes, all by default.

    `root`, the numbers of files and the diagnostics are left open.
    """
    functions = [fn for fn in project.functions if covers(fn.module.path)]
    definitions = sorted(d for d in _definitions(project) if covers(d.path))
    routes = sorted(r for r in _routes(project) if covers(r.path))
    counts = _counts(project, functions)
    counts.update((route.path, "routes") for route in routes)
    counts.update((found.path, "models") for found in definitions if found.kind == "model")
    defs = [fn for fn in functions if isinstance(fn.node, s.FunctionDef)]
    return ScanResult(
        root="",
        functions=len(defs),
        functions_async=sum(fn.is_async for fn in defs),
        files=_files(counts),
        routes=tuple(routes),
        definitions=tuple(definitions),
    )


def _counts(project: Project, functions: Sequence[Function]) -> Counter[tuple[str, str]]:
    """`(path, kind of fact)` -> how often."""
    sites = [site for fn in functions for site in project.calls(fn)]
    injected = {site.node for site in sites if site.kind == "dependency"}
    counts: Counter[tuple[str, str]] = Counter()
    for site in sites:
        facts = _facts(project, site, is_injected=site.node in injected)
        counts.update((site.function.module.path, fact) for fact in facts)
    return counts


def _files(counts: Counter[tuple[str, str]]) -> tuple[FileFacts, ...]:
    paths = sorted({path for path, _ in counts})
    return tuple(FileFacts(path, *(counts[path, what] for what in _COUNTED)) for path in paths)


def _facts(project: Project, site: CallSite, *, is_injected: bool) -> Iterator[str]:
    """What one call adds to the counts of its file; `Depends(get_db)` opens no session."""
    operation = site.operation
    if operation is not None:
        yield "async_operations" if operation.is_async else "operations"
    node = site.node
    if not isinstance(node, s.Call) or site.kind != "call" or is_injected:
        return
    if project.session_kind(node, site.scope) == "sync":
        yield "sessions"
    func = node.func
    if not isinstance(func, s.Attribute) or func.attr != "query":
        return
    if project.session_kind(func.value, site.scope) == "sync":
        yield "queries"


def _routes(project: Project) -> Iterator[RouteFacts]:
    for route in project.routes:
        fn = route.function
        yield RouteFacts(
            path=fn.module.path,
            line=_line(fn),
            function=fn.qualname,
            url=route.path,
            methods=tuple(route.methods),
            is_async=fn.is_async,
        )


def _definitions(project: Project) -> Iterator[Definition]:
    for model in project.models.values():
        yield Definition(model.cls.module.path, model.cls.node.line, "model", model.cls.qualname)
    for kind, variables in (
        ("session-factory", project.session_factories),
        ("engine", project.engines),
    ):
        for found in variables:
            yield Definition(found.module.path, found.value.line, kind, found.qualname)
    for fn in project.session_dependencies:
        yield Definition(fn.module.path, _line(fn), "dependency", fn.qualname)


def _line(fn: Function) -> int:
    return fn.node.line if fn.node is not None else 1
