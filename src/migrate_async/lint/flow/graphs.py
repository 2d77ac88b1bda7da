"""The control flow of every function, each worked out once."""

from __future__ import annotations

from migrate_async.index.infer import deep_recursion
from migrate_async.index.scopes import Function
from migrate_async.lint.flow.build import build_graph
from migrate_async.lint.flow.graph import Graph
from migrate_async.lint.view import View


class Graphs:
    """Answers `of(function)`."""

    def __init__(self, _view: View) -> None:
        self._graphs: dict[Function, Graph | None] = {}

    def of(self, function: Function) -> Graph | None:
        """The control flow of `function`; None if it is too large to be followed."""
        if function not in self._graphs:
            with deep_recursion():
                self._graphs[function] = build_graph(function)
        return self._graphs[function]
