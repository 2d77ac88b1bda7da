"""Routes that run code which knows no class, and may load whatever an object has.

    return self.schema.from_orm(found)

All that such a route awaits may load when it reads, if the route has the decorator
(`plan.loads.responses`).
"""

from __future__ import annotations

from collections.abc import Container
from functools import cached_property

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.plan.colouring.colour import Colouring
from migrate_async.plan.loads.unknown_reads import UnknownReads


class UnknownRoutes:
    """Answers for one project, that becomes as `colouring` says; `lazy` routes can be decorated."""

    def __init__(self, project: Project, colouring: Colouring, lazy: Container[Function]) -> None:
        self._project = project
        self._colouring = colouring
        self._lazy = lazy

    @cached_property
    def routes(self) -> tuple[Function, ...]:
        """Those that run such code."""
        begin = (found for begun in self._begun_by.values() for found in begun)
        return tuple(found for found in dict.fromkeys(begin) if found in self._lazy)

    def serve(self, function: Function) -> bool:
        """Whether nothing but such routes run `function`."""
        begin = self._begun_by.get(function, frozenset())
        return bool(begin) and all(found in self._lazy for found in begin)

    @cached_property
    def _begun_by(self) -> dict[Function, frozenset[Function]]:
        """By function with such code: who begins what ends there, other than tests."""
        unknown = self._project.shared(UnknownReads)
        return {
            function: self._run_by(function)
            for function in filter(self._colouring.converts, self._colouring.coloured)
            if not function.module.is_test and any(True for _ in unknown.of_no_class(function))
        }

    def _run_by(self, function: Function) -> frozenset[Function]:
        """Who begins what ends in `function`: routes, or else what FastAPI does not call."""
        begin: set[Function] = set()
        seen: set[Function] = set()
        pending = [function]
        while pending:
            running = pending.pop()
            if running in seen:
                continue
            seen.add(running)
            sites = self._project.callers(running)
            sites = [site for site in sites if not site.function.module.is_test]
            callers = [site.function for site in sites if site.kind == "call"]
            is_handed_on = len(callers) < len(sites) or self._project.value_uses(running)
            if running in self._project.route_dependencies or is_handed_on or not callers:
                begin.add(running)
            pending += callers
        return frozenset(begin)
