"""Entries of `app.dependency_overrides`."""

from __future__ import annotations

from migrate_async.index.callgraph import CallGraph
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
