"""Answers that were empty, because a commit had expired the object and nothing read it since.

    db.commit()
    return user  # of a route without a response model

FastAPI shows what is loaded of such an object: nothing. The async session keeps what it has, so
that the answer shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from migrate_async.index.project import Project
from migrate_async.index.routes import Route
from migrate_async.index.scopes import Function
from migrate_async.index.types import Instance, elements
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, at
from migrate_async.plan.loads.dynamic import DEPENDS_ON_LOADS
from migrate_async.plan.transactions.commits import commits, is_model
from migrate_async.plan.transactions.flushes import commit_expires
from migrate_async.plan.transactions.positions import positions

_MAX_HELPERS = 5


def expired_answers(project: Project, converts: Callable[[Function], bool]) -> Iterator[Diagnostic]:
    """Told where routes that convert, or their helpers, return such objects."""
    if not commit_expires(project):
        return
    answering = (route.function for route in project.routes if _shows_loaded(project, route))
    told: set[tuple[str, s.Span]] = set()
    for route in dict.fromkeys(filter(converts, answering)):
        for function, value in _returned(project, route, _MAX_HELPERS):
            place = (function.module.path, value.span)
            if converts(function) and place not in told and _is_expired(project, function, value):
                told.add(place)
                yield _told(function, value)


def _shows_loaded(project: Project, route: Route) -> bool:
    """Whether the answers of `route` are not read attribute by attribute.

    Those of a route without a response model are not, nor objects of SQLModel that are themselves
    of the response model.
    """
    if route.response_model is None:
        return True
    mapped = {model.cls for model in project.models.values()}
    types = elements(project.annotated(route.response_model, route.scope))
    return any(isinstance(item, Instance) and item.cls in mapped for item in types)


def _returned(
    project: Project, function: Function, depth: int
) -> Iterator[tuple[Function, s.Name]]:
    """The names that `function` returns, or what it calls for its answer."""
    for value in function.returns:
        for part in _parts(value):
            made: s.Expr | None = part
            if isinstance(part, s.Name):
                yield function, part
                is_only_bound = len(_named(function, part)) == 1
                made = project.value_of(part, function.scope) if is_only_bound else None
            for site in project.calls(function) if depth else ():
                for target in site.targets if site.node is made else ():
                    yield from _returned(project, target, depth - 1)


def _parts(value: s.Expr) -> Iterator[s.Expr]:
    """`value`, or what stands in it, where it is a display."""
    if isinstance(value, s.Mapping | s.Sequence):
        for part in value.values if isinstance(value, s.Mapping) else value.items:
            yield from _parts(part)
    elif isinstance(value, s.Await):
        yield value.value
    else:
        yield value


def _is_expired(project: Project, function: Function, value: s.Name) -> bool:
    """Whether a commit comes before `value`, an object, and nothing reads that in between."""
    if not isinstance(function.node, s.FunctionDef):
        return False
    if not is_model(project, value, function.scope):
        return False
    named = _named(function, value)
    committed = [
        position.statement.span[:2]
        for position in positions(function.node.body)
        if commits(project, position.statement, "sync")
    ]
    return bool(named) and any(max(named) < commit < value.span[:2] for commit in committed)


def _named(function: Function, value: s.Name) -> list[tuple[int, int]]:
    """Where the name `value` stands before: where it is bound, and where it is read."""
    return [
        node.span[:2]
        for node in function.nodes(s.Name)
        if node.id == value.id and node.span[:2] < value.span[:2]
    ]


def _told(function: Function, value: s.Name) -> Diagnostic:
    return at(
        function.module.path,
        value.span,
        DEPENDS_ON_LOADS,
        f"the answer shows nothing of `{value.id}`, which the commit expires; from now on it shows "
        "what the object has",
        "give the route a response model, or nothing, if it is right so",
    )
