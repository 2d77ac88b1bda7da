"""Parameters with an object whose collections a commit makes stale."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, ParameterBinding
from migrate_async.model import syntax as s
from migrate_async.plan.transactions.commits import refresh
from migrate_async.plan.transactions.effects import Effects
from migrate_async.plan.transactions.positions import Position


def refreshes_of_given(
    project: Project,
    function: Function,
    position: Position,
    session: str,
    effects: Effects,
) -> Iterator[str]:
    """`if user in db: await db.refresh(user)` for what a caller or a dependency has given.

    Nobody knows whether it is an object of this session: one that is not would not have been
    expired either. Only where more than a column is read of it afterwards.
    """
    is_sure = effects.surely_commits(function, position.statement)
    for param in function.params:
        name = param.name
        if not _is_given_only(function, name) or not effects.may_be_stale(function, name):
            continue
        if not position.reads_later(name):
            continue
        if not effects.is_made_stale(function, name, position):
            continue
        if _reads_more(project, function, name, position):
            tests = (f"{name} is not None",) if _may_be_none(param) else ()
            yield refresh(name, session, *tests, f"{name} in {session}", is_sure=is_sure)


def _is_given_only(function: Function, name: str) -> bool:
    bindings = function.scope.names.get(name, [])
    return all(isinstance(binding, ParameterBinding) for binding in bindings)


def _reads_more(project: Project, function: Function, name: str, position: Position) -> bool:
    """Whether a relationship of `name`, or `name` as a whole, is used after the commit."""
    for node in function.nodes(s.Name):
        if node.id == name and position.is_before(node):
            around = project.parent(node)
            if not isinstance(around, s.Attribute) or _is_relationship(project, around):
                return True
    return False


def _is_relationship(project: Project, read: s.Attribute) -> bool:
    """Whether `read` is anything but a column of the model."""
    scope = project.scope_of(read)
    models = [
        project.models[cls.qualname]
        for item in project.infer(read.value, scope)
        if (cls := getattr(item, "cls", None)) is not None and cls.qualname in project.models
    ]
    return not any(read.attr in model.columns for model in models)


def _may_be_none(param: s.Parameter) -> bool:
    parts = [*s.walk(param.annotation)] if param.annotation is not None else []
    if param.default is not None:
        parts.append(param.default)
    return any(
        (isinstance(part, s.Constant) and part.kind == "None")
        or (isinstance(part, s.Name) and part.id == "Optional")
        for part in parts
    )
