"""Calls that make objects with a factory of factory_boy: SQL on the session of the factory."""

from __future__ import annotations

from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function, Scope
from migrate_async.index.sites import CallSite
from migrate_async.index.types import ClassObject
from migrate_async.knowledge.object_factories import CREATES, SYNC
from migrate_async.model import syntax as s


def creation(project: Project, site: CallSite) -> Class | None:
    """The factory of which `site`, in a test suite, makes objects: to be awaited."""
    return made_at(project, site) if site.function.module.is_test else None


def made_at(project: Project, site: CallSite) -> Class | None:
    """The factory on a sync session of which `site` makes objects."""
    node = site.node
    if not isinstance(node, s.Call) or site.awaited or in_hook(site.function):
        return None
    made = factory_of(project, node.func, site.scope)
    if made is None and isinstance(node.func, s.Attribute) and node.func.attr in CREATES:
        made = factory_of(project, node.func.value, site.scope)
    return made


def factory_of(project: Project, node: s.Expr, scope: Scope) -> Class | None:
    """The factory on a sync session that the value of `node` is."""
    for item in project.infer(node, scope):
        if isinstance(item, ClassObject) and is_factory(project, item.cls):
            return item.cls
    return None


def is_factory(project: Project, cls: Class) -> bool:
    """Whether `cls` is a factory of factory_boy that makes objects on a sync session."""
    return SYNC in project.bases(cls)


def in_hook(function: Function) -> bool:
    """Whether a factory calls `function` while it makes an object: nothing is awaited there."""
    if any(name.startswith("factory.") for name in function.decorators):
        return True
    outer = function.scope.parent
    return function.is_lambda and outer is not None and outer.kind == "class"
