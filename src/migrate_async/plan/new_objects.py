"""Whether a variable holds what its function has just made."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Scope
from migrate_async.index.types import ClassObject
from migrate_async.model import syntax as s


def is_new(project: Project, owner: s.Expr, scope: Scope) -> bool:
    """Whether `owner` is a name of such an object, in whichever way it was made."""
    made = project.assigned(owner, scope)
    return bool(made) and all(makes_object(project, value) for value in made)


def makes_object(project: Project, value: s.Expr) -> bool:
    """Whether `value` is a call of a class."""
    return any(True for _ in classes_made(project, value))


def classes_made(project: Project, value: s.Expr | None) -> Iterator[Class]:
    """The classes that `value` may be a call of."""
    if isinstance(value, s.Call):
        for item in project.infer(value.func, project.scope_of(value)):
            if isinstance(item, ClassObject):
                yield item.cls
