"""ORM objects that a call takes into another thread."""

from __future__ import annotations

from migrate_async.index.project import Project
from migrate_async.index.types import Instance, Types, elements
from migrate_async.model import syntax as s


def hands_objects(project: Project, call: s.Call) -> bool:
    """Whether `call` is made with or on ORM objects, whose session then serves another thread."""
    values = list(call.values)
    if isinstance(call.func, s.Attribute):
        values.append(call.func.value)
    elif call.args and isinstance(call.args[0], s.Attribute):
        values.append(call.args[0].value)  # `run_in_threadpool(x.f)`
    return any(
        _holds_objects(project, project.infer(value, project.scope_of(value))) for value in values
    )


def _holds_objects(project: Project, types: Types) -> bool:
    objects = (item for item in elements(types) if isinstance(item, Instance))
    return any(item.cls.qualname in project.models for item in objects)
