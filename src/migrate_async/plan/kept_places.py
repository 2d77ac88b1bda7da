"""Where functions put what outlives them and their request: variables of modules and classes."""

from __future__ import annotations

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.types import ClassObject, ModuleObject
from migrate_async.model import syntax as s
from migrate_async.plan import blocks
from migrate_async.plan.names import is_bound_inside

_CACHES = frozenset({"cache", "cached", "lru_cache", "singleton"})
"""Decorators that keep what a function gives."""
_OF_CLASS = "a variable of the class"
_OF_MODULE = "a variable of the module"


def keeps_for_process(function: Function) -> bool:
    """Whether a decorator keeps what `function` gives, for whoever asks next."""
    return not function.decorator_names.isdisjoint(_CACHES)


def lasting_place(project: Project, function: Function, made: s.AnyNode) -> str:
    """Where `function` puts what it makes by `made`, if that outlives it; else empty."""
    if not isinstance(function.node, s.FunctionDef):
        return ""
    statements = list(blocks.statements(function.node.body))
    own = project.statement_of(made)
    names = {target.id for target in blocks.targets(own) if isinstance(target, s.Name)}
    handed_on = [
        statement
        for statement in statements
        if isinstance(statement, s.Assign)
        and isinstance(statement.value, s.Name)
        and statement.value.id in names
    ]
    places = (
        place_of(project, function, target)
        for statement in (own, *handed_on)
        for target in blocks.targets(statement)
    )
    return next(filter(None, places), "")


def place_of(project: Project, function: Function, target: s.Expr) -> str:
    """What lasts of which `target`, set by `function`, is a part; empty: nothing."""
    if isinstance(target, s.Name):
        return _OF_MODULE if target.id in function.scope.globals else ""
    root = _root(target)
    if root is None:
        return ""
    if isinstance(target, s.Attribute) and s.dotted_name(target.value).endswith("app.state"):
        return "the state of the application"
    if root.id == function.self_name:
        return _OF_CLASS if function.is_classmethod else ""
    return _below(project, root, target)


def _below(project: Project, root: s.Name, target: s.Expr) -> str:
    """The same of a target that begins with another name."""
    scope = project.scope_of(root)
    types = project.infer(root, scope) if isinstance(target, s.Attribute) else ()
    if any(isinstance(item, ClassObject) for item in types):
        return _OF_CLASS
    is_module = any(isinstance(item, ModuleObject) for item in types)
    is_entry = isinstance(target, s.Subscript) and not is_bound_inside(root.id, scope)
    return _OF_MODULE if is_module or is_entry else ""


def _root(target: s.Expr) -> s.Name | None:
    while isinstance(target, s.Attribute | s.Subscript):
        target = target.value
    return target if isinstance(target, s.Name) else None
