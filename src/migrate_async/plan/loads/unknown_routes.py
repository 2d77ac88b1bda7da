"""Routes that run code which knows no class, and may load whatever an object has.

    return self.schema.from_orm(found)

All that such a route awaits may load when it reads, if the route has the decorator
(`plan.loads.responses`).
"""

from __future__ import annotations

from collections.abc import Container
from functools import cached_property
from itertools import chain

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, last_name
from migrate_async.index.sites import CallSite
from migrate_async.model import syntax as s
from migrate_async.plan.colouring.colour import Colouring
from migrate_async.plan.loads.opaque_reads import OpaqueReads
from migrate_async.plan.loads.unknown_reads import UnknownReads

_ITERATING = frozenset(
    {"all", "any", "dict", "enumerate", "filter", "frozenset", "join", "list", "map", "max", "min"}
) | frozenset({"next", "reversed", "set", "sorted", "sum", "tuple", "zip"})


class UnknownRoutes:
    """Answers for one project, that becomes as `colouring` says; `lazy` routes can be decorated."""

    def __init__(self, project: Project, colouring: Colouring, lazy: Container[Function]) -> None:
        self._project = project
        self._colouring = colouring
        self._lazy = lazy
        self.opaque = OpaqueReads(project, colouring.converts)

    @cached_property
    def routes(self) -> tuple[Function, ...]:
        """Those that run such code."""
        begin = (found for begun in self._begun_by.values() for found in begun)
        return tuple(found for found in dict.fromkeys(begin) if found in self._lazy)

    def serve(self, function: Function) -> bool:
        """Whether nothing but such routes run `function`."""
        begin = self._begun_by.get(function, frozenset())
        return bool(begin) and all(found in self._lazy for found in begin)

    def let_load(self, function: Function) -> bool:
        """Whether nothing but such routes run what `function`, be it a plain one, reads."""
        while function.parent is not None:
            function = function.parent
        begin = self._run_by(function)
        return bool(begin) and begin <= frozenset(self.routes)

    @cached_property
    def _begun_by(self) -> dict[Function, frozenset[Function]]:
        """By function with such code: who begins what ends there, other than tests."""
        return {
            function: self._run_by(function)
            for function in filter(self._colouring.converts, self._colouring.coloured)
            if not function.module.is_test and self._has_such_code(function)
        }

    def _has_such_code(self, function: Function) -> bool:
        unknown = self._project.shared(UnknownReads)
        found = chain[object](unknown.of_no_class(function), self.opaque.of(function))
        return next(found, None) is not None

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
            served = self._depending.get(running, ())
            begin.update(served)
            sites = self._project.callers(running)
            sites = [site for site in sites if not site.function.module.is_test]
            callers = [site.function for site in sites if self._runs_at(site, running)]
            given = sum(site.kind == "dependency" for site in sites) if served else 0
            is_handed_on = len(callers) + given < len(sites)
            is_used = any(not use.is_injected for use in self._project.value_uses(running))
            is_begun = running in self._project.route_dependencies
            if is_begun or is_handed_on or is_used or not (callers or served):
                begin.add(running)
            pending += callers
        return frozenset(begin)

    def _runs_at(self, site: CallSite, function: Function) -> bool:
        """Whether `function` runs in the course of the call `site`.

        A generator runs as it is iterated over, which a response does that is streamed.
        """
        around = self._project.parent(site.node)
        is_given = isinstance(around, s.Call) and last_name(around.func) not in _ITERATING
        return site.kind == "call" and not (function.is_generator and is_given)

    @cached_property
    def _depending(self) -> dict[Function, tuple[Function, ...]]:
        """By dependency: the routes whose handling runs it."""
        found: dict[Function, tuple[Function, ...]] = {}
        for route, dependencies in self._project.route_dependencies.items():
            for dependency in dependencies:
                if dependency is not route:
                    found[dependency] = (*found.get(dependency, ()), route)
        return found
