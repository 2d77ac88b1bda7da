"""Routes and dependencies whose session comes from nobody knows where.

from our_company import get_db

def users(db: Session = Depends(get_db)): ...
def posts(db: Session = dependencies.db): ...

What FastAPI calls for them is a package's, or not seen at all. It goes on giving sync sessions.
"""

from __future__ import annotations

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.model import syntax as s


def unseen_source(project: Project, function: Function) -> s.Expr | None:
    """Where it says what gives it a session, if nobody knows whether that is the project's."""
    if not function.params or not _is_asked(project, function):
        return None
    declared = dict(project.injected_parameters(function))
    for param in function.params:
        seen = declared.get(param)
        if seen is None and not _is_value(param.default):
            continue
        name = s.Name(*param.span, param.name)
        if not seen and project.session_kind(name, function.scope) == "sync":
            return param.default or param.annotation
    return None


def _is_value(default: s.Expr | None) -> bool:
    if isinstance(default, s.Call) and s.dotted_name(default.func) == "next":
        return False  # a session, made when the module is imported
    return isinstance(default, s.Name | s.Attribute | s.Call | s.Subscript)


def _is_asked(project: Project, function: Function) -> bool:
    """Whether FastAPI calls `function`."""
    if function.is_route or function in project.route_dependencies:
        return True
    injected = any(use.is_injected for use in project.value_uses(function))
    return injected or any(site.kind == "dependency" for site in project.callers(function))
