"""Whether code says by its name what it calls, so that another name can be put there."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.resolve import Target
from migrate_async.index.scopes import Function, FunctionBinding, ParameterBinding
from migrate_async.index.types import (
    ClassObject,
    FunctionObject,
    Instance,
    ModuleObject,
    Types,
    ordered,
)
from migrate_async.model import syntax as s


def names_function(project: Project, node: s.AnyNode, function: Function) -> bool:
    """Whether `node` is the name of `function`: `scope`, `module.scope`, `database.scope`.

    Or that of a parameter which can be nothing else. An attribute that holds it is no name, and may
    hold something else another time.
    """
    if isinstance(node, s.Name):
        scope = project.scope_of(node)
        found = project.names.lookup(node.id, scope)
        is_name = any(isinstance(i, FunctionBinding) and i.function is function for i in found)
        is_only = function.cls is None and project.infer(node, scope) == {FunctionObject(function)}
        return is_name or (is_only and not any(_gets_others(project, i, function) for i in found))
    if not isinstance(node, s.Attribute) or not s.dotted_name(node) or node.attr != function.name:
        return False
    holders = project.infer(node.value, project.scope_of(node))
    if function.cls is None:
        return any(
            isinstance(item, ModuleObject) and item.name == function.module.name for item in holders
        )
    return any(
        isinstance(item, Instance | ClassObject) and function.cls in project.mro(item.cls)
        for item in holders
    )


def may_name(project: Project, node: s.Name) -> Iterator[Function]:
    """What `node` may be the name of, whatever callers give to a parameter of that name."""
    scope = project.scope_of(node)
    yield from _functions(project.infer(node, scope))
    for binding in project.names.lookup(node.id, scope):
        if isinstance(binding, ParameterBinding):
            for types in _given(project, binding):
                yield from _functions(types)


def _gets_others(project: Project, binding: Target, function: Function) -> bool:
    """Whether `binding` is a parameter that some caller may give something but `function`."""
    if not isinstance(binding, ParameterBinding):
        return False
    if project.value_uses(binding.function):
        return True
    return any(types != {FunctionObject(function)} for types in _given(project, binding))


def _given(project: Project, binding: ParameterBinding) -> Iterator[Types]:
    """What the callers of its function give to a parameter."""
    for site in project.callers(binding.function):
        if not isinstance(site.node, s.Call):
            continue
        for receiver, param, value in project.passes(site.node, site.scope):
            if receiver is binding.function and param is binding.parameter:
                yield project.infer(value, site.scope)


def _functions(types: Types) -> Iterator[Function]:
    return (item.fn for item in ordered(types) if isinstance(item, FunctionObject))
