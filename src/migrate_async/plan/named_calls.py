"""Whether code says by its name what it calls, so that another name can be put there."""

from __future__ import annotations

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, FunctionBinding
from migrate_async.index.types import ClassObject, FunctionObject, Instance, ModuleObject
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
        return is_name or is_only
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
