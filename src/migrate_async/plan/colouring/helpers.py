"""Helpers that both worlds may call: what a twin can stand beside, or sync code can drive."""

from __future__ import annotations

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.model import syntax as s

_METHODS = frozenset({"staticmethod", "classmethod"})


def is_helper(function: Function) -> bool:
    """Whether it is a plain function of the application that is called, and found by nobody else.

    So it is no route, and has no decorator that would have to serve both.
    """
    return (
        isinstance(function.node, s.FunctionDef)
        and not (function.is_async or function.is_generator or function.is_route)
        and function.boundary is None
        and function.decorator_names <= _METHODS
        and not (function.name.startswith("__") or function.module.is_test)
    )


def source_names(project: Project) -> frozenset[str]:
    """Names that give sessions: a function which mentions one opens its own, or may."""
    variables = (*project.session_factories, *project.engines)
    names = {variable.name for variable in variables}
    return frozenset(names | {function.name for function in project.session_dependencies})
