"""Session classes of a project: `sessionmaker(class_=Audited)`.

An `AsyncSession` works through a sync session, whose class may be the project's:
`async_sessionmaker(sync_session_class=Audited)`. What that class overrides runs as before, where
`AsyncSession` calls the method of that name. A method that it adds could not be called.
"""

from __future__ import annotations

from collections.abc import Sequence

from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, FunctionBinding
from migrate_async.index.sessions import Variable
from migrate_async.index.types import ClassObject, Instance
from migrate_async.knowledge.async_api import SESSION_CALLED_THROUGH
from migrate_async.knowledge.sqlalchemy import SQLMODEL_SESSION
from migrate_async.model import syntax as s


def class_argument(factory: Variable, name: str) -> s.Expr | None:
    """The value of an argument of the call that makes `factory`."""
    call = factory.value
    keywords = call.keywords if isinstance(call, s.Call) else ()
    return next((keyword.value for keyword in keywords if keyword.arg == name), None)


def own_class(project: Project, factory: Variable, argument: str = "class_") -> s.Expr | None:
    """The name of the project's session class, if async sessions can work through it."""
    value = class_argument(factory, argument)
    if value is None or not s.dotted_name(value):
        return None
    for found in project.infer(value, factory.scope):
        if isinstance(found, ClassObject) and _only_overrides(project, found.cls):
            return value
    return None


def of_sqlmodel(project: Project, factory: Variable, own: s.Expr) -> bool:
    """Whether the class that `own` names is one of SQLModel's sessions."""
    types = project.infer(own, factory.scope)
    classes = [found.cls for found in types if isinstance(found, ClassObject)]
    return any(SQLMODEL_SESSION in project.bases(cls) for cls in classes)


def _only_overrides(project: Project, cls: Class) -> bool:
    if project.session_kind_of(frozenset({Instance(cls)})) != "sync":
        return False
    return all(
        _is_harmless(name, bindings)
        for part in project.mro(cls)
        for name, bindings in part.scope.names.items()
    )


def _is_harmless(name: str, bindings: Sequence[object]) -> bool:
    methods = [found for found in bindings if isinstance(found, FunctionBinding)]
    if name.startswith("_") and not name.endswith("__"):
        return True
    if name == "__init__" or name in SESSION_CALLED_THROUGH:
        return all(not method.function.is_async for method in methods)
    return not methods and name.startswith("__")
