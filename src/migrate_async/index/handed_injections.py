"""`Depends(get_db)` as a value: kept, handed on or returned before a route asks for it.

dependencies = RouteDependencies(db=Depends(manager.session))

def users(db: Session = dependencies.db): ...

What FastAPI is told right where a function asks, or by a name that stands there, is known. Who gets
the session of any other is not.
"""

from __future__ import annotations

from migrate_async.index import scopes as sc
from migrate_async.index.callgraph import CallGraph
from migrate_async.index.infer import Inference
from migrate_async.index.variable_reads import reads_of
from migrate_async.model import syntax as s

_ASKING = (s.Parameter, s.Sequence, s.Subscript, s.ExpressionStatement)
"""What is around one that is asked for there, or in a list, by which nobody gets a value."""


class HandedInjections:
    """Answers for one project."""

    def __init__(self, inference: Inference, graph: CallGraph) -> None:
        self._inference = inference
        self._graph = graph

    def place(self, fn: sc.Function) -> str:
        """Where the first `Depends(fn)` that is such a value stands, as `file:line`; or nothing."""
        for use in self._graph.value_uses.get(fn, ()):
            call = self._graph.parent(use.node)
            if isinstance(call, s.Keyword):
                call = self._graph.parent(call)
            if use.is_injected and isinstance(call, s.Call) and self._is_handed_on(call):
                return f"{use.function.module.path}:{call.line}"
        return ""

    def _is_handed_on(self, node: s.Expr) -> bool:
        around = self._graph.parent(node)
        while isinstance(around, s.Conditional | s.Operation | s.Starred):
            node, around = around, self._graph.parent(around)
        if isinstance(around, _ASKING):
            return self._is_taken_out(around)
        if not isinstance(around, s.Assign | s.AnnotatedAssign):
            return True
        if isinstance(self._graph.parent(around), s.ClassDef):
            return False  # FastAPI gives it to each object of the class, a view
        targets = around.targets if isinstance(around, s.Assign) else (around.target,)
        return any(self._is_kept(target, node) for target in targets)

    def _is_taken_out(self, around: s.AnyNode) -> bool:
        """Whether `around` is a list of which an element is read right there."""
        outer = self._graph.parent(around) if isinstance(around, s.Sequence) else None
        return isinstance(outer, s.Subscript) and outer.value is around

    def _is_kept(self, target: s.Expr, value: s.Expr) -> bool:
        """Whether `target` is no name, or one that stands for `value` where nobody asks."""
        if not isinstance(target, s.Name):
            return True
        return any(map(self._is_handed_on, reads_of(target.id, value, self._inference)))
