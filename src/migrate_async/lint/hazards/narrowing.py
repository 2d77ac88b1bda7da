"""Types that a function tests at run time are not those that the index knows."""

from __future__ import annotations

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.model import syntax as s

_TESTS = frozenset({"isinstance", "iscoroutinefunction", "isawaitable", "iscoroutine", "hasattr"})


def is_narrowed(project: Project, expr: s.Expr, function: Function) -> bool:
    """Whether `function` asks what kind of object the root of `expr` (`db` of `db.get()`) is."""
    names = {part.id for part in s.walk(expr) if isinstance(part, s.Name)}
    for call in function.calls:
        func = call.node.func
        name = func.attr if isinstance(func, s.Attribute) else getattr(func, "id", "")
        if name in _TESTS and call.node.args:
            tested = s.walk(call.node.args[0])
            if any(isinstance(part, s.Name) and part.id in names for part in tested):
                return not isinstance(project.parent(call.node), s.Simple)  # not an `assert`
    return False
