"""Entries of `app.dependency_overrides`."""

from __future__ import annotations

from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.callgraph import CallGraph
from migrate_async.index.infer import Inference
from migrate_async.model import syntax as s

_OVERRIDING = (s.Assign, s.ExpressionStatement, s.Delete, s.With, s.FunctionDef, s.ClassDef)


def is_override_table(node: s.Expr, graph: CallGraph) -> bool:
    """`app.dependency_overrides[get_db] = ...`: FastAPI awaits what it overrides."""
    statement: s.AnyNode | s.ModuleSyntax = node
    while not isinstance(statement, _OVERRIDING):
        if isinstance(statement, s.ModuleSyntax):
            return False
        statement = graph.parent(statement)
    return any(
        isinstance(part, s.Attribute) and part.attr == "dependency_overrides"
        for part in s.walk(statement)
    )


def is_display(
    node: s.AnyNode | s.ModuleSyntax, scope: sc.Scope, graph: CallGraph, inference: Inference
) -> bool:
    """`{get_db: override_get_db}` in a test, whoever puts that into the table.

    All of its keys are dependencies: as keys they are what is overridden, and nobody calls them.
    """
    if not isinstance(node, s.Mapping) or not node.keys or not scope.module.is_test:
        return False
    return all(key is not None and _is_injected(key, scope, graph, inference) for key in node.keys)


def _is_injected(key: s.Expr, scope: sc.Scope, graph: CallGraph, inference: Inference) -> bool:
    types = inference.infer(key, scope)
    return bool(types) and all(
        isinstance(item, t.FunctionObject) and item.fn in graph.injected for item in types
    )
