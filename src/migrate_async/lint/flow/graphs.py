"""The control flow of every function, each worked out once."""

from __future__ import annotations

from migrate_async.index import types as t
from migrate_async.index.infer import deep_recursion
from migrate_async.index.scopes import Function, last_name
from migrate_async.lint.flow.build import build_graph
from migrate_async.lint.flow.graph import Graph
from migrate_async.lint.flow.raising import never_returns
from migrate_async.lint.view import View
from migrate_async.model import syntax as s

_HARMLESS = frozenset({"classmethod", "staticmethod"})


class Graphs:
    """Answers `of(function)`."""

    def __init__(self, view: View) -> None:
        self._project = view.project
        self._graphs: dict[Function, Graph | None] = {}
        self._never: dict[Function, bool] = {}
        self._by_name: dict[str, list[Function]] | None = None

    def of(self, function: Function) -> Graph | None:
        """The control flow of `function`; None if it is too large to be followed."""
        if function not in self._graphs:
            with deep_recursion():
                self._graphs[function] = build_graph(function, self._ends)
        return self._graphs[function]

    # --- functions that only raise -------------------------------------------------------------

    def _ends(self, statement: s.Stmt) -> bool:
        """Whether `statement` ends the program, or calls a function that only ever raises."""
        if never_returns(statement):
            return True
        value = statement.value if isinstance(statement, s.ExpressionStatement) else None
        call = value.value if isinstance(value, s.Await) else value
        if not isinstance(call, s.Call):
            return False
        named = self._named(last_name(call.func))
        if not named or not all(map(self._only_raises, named)):
            return False  # an override may return
        types = self._project.infer(call.func, self._project.scope_of(call))
        found = [item.fn for item in types if isinstance(item, t.FunctionObject)]
        is_awaited = isinstance(value, s.Await)
        is_run = all(fn in named and fn.is_async is is_awaited for fn in found)
        return bool(found) and len(found) == len(types) and is_run

    def _named(self, name: str) -> list[Function]:
        """The functions of that name, if one of them may only raise."""
        if self._by_name is None:
            functions = self._project.functions
            wanted = {fn.name for fn in functions if _may_only_raise(fn)}
            self._by_name = {name: [] for name in wanted}
            for fn in functions:
                if fn.name in wanted:
                    self._by_name[fn.name].append(fn)
        return self._by_name.get(name, [])

    def _only_raises(self, function: Function) -> bool:
        if function not in self._never:
            self._never[function] = False  # what calls itself is not known to end
            self._never[function] = _may_only_raise(function) and self._has_no_end(function)
        return self._never[function]

    def _has_no_end(self, function: Function) -> bool:
        graph = self.of(function)
        return graph is not None and all(step is not graph.exit for step in graph.steps())


def _may_only_raise(function: Function) -> bool:
    """Not a stub, whose overrides return, and nothing that a decorator may change."""
    node = function.node
    if not isinstance(node, s.FunctionDef) or function.is_generator or not node.body:
        return False
    if not function.decorator_names <= _HARMLESS:
        return False
    last = node.body[-1]
    if isinstance(last, s.Raise):
        error = last.error.func if isinstance(last.error, s.Call) else last.error
        return error is None or last_name(error) != "NotImplementedError"
    return isinstance(last, s.If | s.Try | s.With | s.Match)
