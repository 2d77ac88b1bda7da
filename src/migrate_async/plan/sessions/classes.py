"""Which `AsyncSession` a session becomes: SQLAlchemy's, or SQLModel's, which has `exec`."""

from __future__ import annotations

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.types import External, ExternalInstance, Instance, Type, Types
from migrate_async.knowledge.async_api import TYPE_COUNTERPARTS
from migrate_async.knowledge.sqlalchemy import (
    ASYNC_SESSIONS,
    SESSION,
    SESSIONS,
    SQLMODEL_ASYNC_SESSION,
    SQLMODEL_SESSION,
)
from migrate_async.model import syntax as s

SQLALCHEMY = "sqlalchemy.orm"
_OF_SQLMODEL = (SQLMODEL_SESSION, SQLMODEL_ASYNC_SESSION)


def async_home(project: Project, session: s.Expr) -> str:
    """The module that the async class of the sync session `session` is imported from."""
    return _home(project, project.infer(session, project.scope_of(session)))


def async_home_of_dependency(project: Project, dependency: Function) -> str:
    """The same for what a session dependency gives."""
    values = [value for value in dependency.given if value is not None]
    types = [project.infer(value, dependency.scope) for value in values]
    return _home(project, frozenset().union(*types))


def sync_home_of_dependency(project: Project, dependency: Function) -> str:
    """The module that its sync class is imported from."""
    return "sqlmodel" if "sqlmodel" in async_home_of_dependency(project, dependency) else SQLALCHEMY


def has_no_factory(project: Project, dependency: Function) -> bool:
    """Whether a session dependency calls the class itself: `with Session(engine) as session:`."""
    return any(
        isinstance(found, External) and found.dotted in (*SESSIONS, *ASYNC_SESSIONS)
        for site in project.calls(dependency)
        if isinstance(site.node, s.Call)
        for found in project.infer(site.node.func, dependency.scope)
    )


def _home(project: Project, types: Types) -> str:
    is_sqlmodel = any(_is_sqlmodel(project, item) for item in types)
    module, _ = TYPE_COUNTERPARTS[SQLMODEL_SESSION if is_sqlmodel else SESSION]
    return module


def _is_sqlmodel(project: Project, item: Type) -> bool:
    """Whether it is a session of SQLModel, or one of a class of the project's that is one."""
    if isinstance(item, Instance):
        return SQLMODEL_SESSION in project.bases(item.cls)
    return isinstance(item, ExternalInstance) and item.dotted in _OF_SQLMODEL
