"""Functions that FastAPI calls for one request.

`Depends(get_db)` gives all of them one session. Where two of them have a session each, what one
commits or rolls back must not be the work of the other, so they go on having one each.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.types import SessionFactory


def shares_request(project: Project, function: Function) -> bool:
    """Whether a request that runs `function` has another session than the one it makes."""
    return any(
        other is not function and (other in project.session_dependencies or _makes(project, other))
        for other in _around(project, function)
    )


def _around(project: Project, function: Function) -> Iterator[Function]:
    yield from _below(project, function, set())
    for route in project.routes:
        if function is route.function or function in route.dependencies:
            yield route.function
            yield from route.dependencies


def _below(project: Project, function: Function, seen: set[Function]) -> Iterator[Function]:
    """The dependencies of `function`, in any depth."""
    for site in project.calls(function):
        for target in site.targets if site.kind == "dependency" else ():
            if target not in seen:
                seen.add(target)
                yield target
                yield from _below(project, target, seen)


def _makes(project: Project, function: Function) -> bool:
    """Whether `function` makes a session itself, sync or async."""
    return any(
        isinstance(found, SessionFactory)
        for call in function.calls
        for found in project.infer(call.node.func, call.scope)
    )
