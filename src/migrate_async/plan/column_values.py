"""Columns of models, and the values that they are compared with, or given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from migrate_async.index.project import Column, Project
from migrate_async.index.scopes import Class, Function, Scope
from migrate_async.index.types import ClassObject, ExternalInstance, Instance, Type, TypeVariable
from migrate_async.knowledge.sqlalchemy import DECLARATIVE_BASES
from migrate_async.model import syntax as s

_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})


class Pair(NamedTuple):
    """What may be a column, and a value that it is compared with, or given."""

    column: s.Expr
    value: s.Expr
    scope: Scope


def pairs(project: Project, function: Function) -> Iterator[Pair]:
    """All of them in `function`; not each `column` is one."""
    for node in function.nodes(s.Call, s.Operation):
        if isinstance(node, s.Call):
            yield from given(project, node)
        elif node.operator in _COMPARISONS:
            scope = project.scope_of(node)
            for column, value in ((0, 1), (1, 0)):
                yield Pair(node.operands[column], node.operands[value], scope)


def assigned(project: Project, function: Function) -> Iterator[Pair]:
    """What `function` sets attributes to; not each is a column."""
    for node in function.nodes(s.Assign):
        scope = project.scope_of(node.value)
        for target in node.targets:
            yield Pair(target, node.value, scope)


def given(project: Project, call: s.Call) -> Iterator[Pair]:
    """The columns and values of `Model(column=value)`."""
    if not call.keywords:
        return
    scope = project.scope_of(call)
    for keyword in call.keywords if _makes_model(project, call, scope) else ():
        if keyword.arg is not None:
            column = s.Attribute(*call.func.span, call.func, keyword.arg)
            yield Pair(column, keyword.value, scope)


def _makes_model(project: Project, call: s.Call, scope: Scope) -> bool:
    """Whether `call` is that of a mapped class, also of one that a type variable stands for."""
    for item in project.infer(call.func, scope):
        bound = item.bound if isinstance(item, TypeVariable) and item.is_class else (item,)
        if any(_is_mapped(project, kind) for kind in bound):
            return True
    return False


def _is_mapped(project: Project, kind: Type) -> bool:
    """Whether it is a declarative class or base, or an object of one."""
    if isinstance(kind, ExternalInstance):
        return kind.dotted in DECLARATIVE_BASES
    if not isinstance(kind, ClassObject | Instance):
        return False
    return not DECLARATIVE_BASES.isdisjoint(project.bases(kind.cls))


def column_of_type(
    project: Project,
    node: s.Expr,
    scope: Scope,
    types: frozenset[str],
    *,
    of_objects: bool = False,
) -> str:
    """What the column that `node` names is called, if it is of one of the `types`.

    In a statement that is an attribute of a class. `of_objects`: what an object of one has counts.
    """
    if not isinstance(node, s.Attribute):
        return ""
    for found in project.infer(node.value, scope):
        if isinstance(found, ClassObject) or (of_objects and isinstance(found, Instance)):
            name, cls = found.cls.name, found.cls
        elif isinstance(found, TypeVariable) and found.is_class:
            name, cls = found.name, None  # `self.model.id` of a generic repository
        else:
            continue
        if _are_all(_columns(project, cls, node.attr), types):
            return f"{name}.{node.attr}"
    return ""


def _columns(project: Project, cls: Class | None, name: str) -> list[Column]:
    """The columns `name` of the model `cls`, or of whichever model has one."""
    models = [model for model in project.models.values() if cls in (None, model.cls)]
    return [model.columns[name] for model in models if name in model.columns]


def _are_all(columns: Sequence[Column], types: frozenset[str]) -> bool:
    return bool(columns) and all(column.type in types for column in columns)


def type_names(project: Project, node: s.Expr, scope: Scope) -> set[str]:
    """The dotted names of the classes of libraries whose object `node` may be."""
    found = project.infer(node, scope)
    return {item.dotted for item in found if isinstance(item, ExternalInstance)}
