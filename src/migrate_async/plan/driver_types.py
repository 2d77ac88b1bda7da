"""Comparisons that the sync drivers accept and the async ones refuse.

psycopg2 writes values into the SQL text and leaves their type to the server; asyncpg and async
psycopg send typed parameters, and the server has no operator for `integer = varchar`.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Column, Project
from migrate_async.index.scopes import Function, Scope
from migrate_async.index.types import ClassObject, ExternalInstance
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, at

_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
_INTEGERS = frozenset({"BigInteger", "Integer", "SmallInteger", "int"})


def driver_type_warnings(project: Project, function: Function) -> Iterator[Diagnostic]:
    """Integer columns of `function` that are compared with a string."""
    if function.node is None:
        return
    for node in s.walk(function.node):
        if not isinstance(node, s.Operation) or node.operator not in _COMPARISONS:
            continue
        scope = project.scope_of(node)
        for column, value in ((0, 1), (1, 0)):
            name = _integer_column(project, node.operands[column], scope)
            if name and _is_string(project, node.operands[value], scope):
                yield at(
                    function.module.path,
                    node.span,
                    "MA411",
                    f"{name} is an integer and is compared with a string: "
                    "async PostgreSQL drivers refuse that",
                    "convert the value with int(), or annotate it as one",
                )


def _integer_column(project: Project, node: s.Expr, scope: Scope) -> str:
    if not isinstance(node, s.Attribute):
        return ""
    models = {model.cls: model for model in project.models.values()}
    for found in project.infer(node.value, scope):
        if isinstance(found, ClassObject) and found.cls in models:
            column: Column | None = models[found.cls].columns.get(node.attr)
            if column is not None and column.type in _INTEGERS:
                return f"{found.cls.name}.{node.attr}"
    return ""


def _is_string(project: Project, node: s.Expr, scope: Scope) -> bool:
    names = {
        found.dotted for found in project.infer(node, scope) if isinstance(found, ExternalInstance)
    }
    return "builtins.str" in names and "builtins.int" not in names
