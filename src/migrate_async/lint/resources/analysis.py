"""The resources of every function and what becomes of them."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.scopes import Function, Scope
from migrate_async.knowledge.boundaries import CACHE_DECORATORS
from migrate_async.lint.flow.graphs import Graphs
from migrate_async.lint.resources.callees import Callees
from migrate_async.lint.resources.fate import ESCAPES, Fate, Handover, Resource
from migrate_async.lint.resources.following import Follower
from migrate_async.lint.resources.handover import Handovers
from migrate_async.lint.resources.opening import Openings
from migrate_async.lint.view import View
from migrate_async.model import syntax as s


class Resources:
    """Answers `of(function)`; each function is analysed once."""

    def __init__(self, view: View) -> None:
        project = view.project
        self._project = project
        self._graph = view.analysis(Graphs).of
        self._openings = Openings(project, self.fresh)
        self._callees = Callees(project)
        self._handovers = Handovers(project, self._callees)
        self._fates: dict[Function, tuple[Fate, ...]] = {}
        self._fresh: dict[Function, Resource | None] = {}

    def of(self, function: Function) -> tuple[Fate, ...]:
        """What becomes of everything that `function` opens; nothing for a module's body.

        What a module opens at its top level lives as long as the process.
        """
        if function not in self._fates:
            self._fates[function] = () if function.is_module else self._analysed(function)
        return self._fates[function]

    def opened(self, function: Function) -> Iterator[Resource]:
        """What the code of `function` itself opens, also where it is the body of a module."""
        return self._openings.of(function)

    def callee(self, call: s.Call, value: s.Expr, scope: Scope) -> Handover:
        """What `call` does with its argument `value`: CLOSE, KEEP, USE or UNKNOWN."""
        return self._callees.takes(call, value, scope)

    def parameter(self, function: Function, name: str) -> Handover:
        """What `function` does with the resource that it is given as `name`."""
        return self._callees.parameter(function, name)

    def fresh(self, function: Function) -> Resource | None:
        """The resource that each call of `function` opens and hands to its caller, if any."""
        if function not in self._fresh:
            self._fresh[function] = None  # what calls itself opens nothing new that way
            self._fresh[function] = self._returned(function)
        return self._fresh[function]

    def _analysed(self, function: Function) -> tuple[Fate, ...]:
        opened = list(self._openings.of(function))
        graph = self._graph(function) if opened else None
        if graph is None:
            return ()
        return tuple(
            Follower(resource, graph, self._project, self._handovers).fate() for resource in opened
        )

    def _returned(self, function: Function) -> Resource | None:
        if function.is_generator or not function.decorator_names.isdisjoint(CACHE_DECORATORS):
            return None
        for fate in self.of(function):
            escapes = {event.handover for event in fate.events} & ESCAPES
            if escapes == {Handover.RETURN}:
                return fate.resource
        return None
