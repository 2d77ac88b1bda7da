"""What it costs to migrate a route: how many functions change with it."""

from __future__ import annotations

from collections.abc import Callable

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.plan.colouring.colour import Colouring
from migrate_async.plan.colouring.reach import reach
from migrate_async.plan.queries import QueryPlan


def cheapest(project: Project, colouring: Colouring) -> list[Function]:
    """The route functions that convert, the cheapest first; the same for the same project."""
    return _cheapest(project, colouring.converts)


def cheapest_queries(project: Project, queries: QueryPlan) -> list[Function]:
    """The routes that run legacy queries, those that share the fewest functions first."""
    with_queries = {chain.function for chain in queries.chains}
    return _cheapest(project, lambda function: function in with_queries)


def _cheapest(project: Project, changes: Callable[[Function], bool]) -> list[Function]:
    always = reach(project, ())
    costs: dict[Function, tuple[int, str, str]] = {}
    for route in project.routes:
        function = route.function
        changing = [f for f in reach(project, (function,)) - always if changes(f)]
        if changing and function not in costs:
            costs[function] = (len(changing), route.path, function.qualname)
    return sorted(costs, key=lambda function: costs[function])
