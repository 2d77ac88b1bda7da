"""How often a function runs: once for the process, or once for each request or job."""

from __future__ import annotations

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.model import syntax as s

_MAX_DEPTH = 6
_ONCE_NAMES = frozenset(
    {"main", "lifespan", "startup", "on_startup", "create_app", "make_app", "init_db", "init_app"}
    | {"run_migrations_online", "run_migrations_offline", "run_async_migrations", "setup", "cli"}
)
_ONCE_FOLDERS = frozenset({"alembic", "migrations", "scripts", "versions", "tools", "bin"})
_ONCE_BOUNDARIES = frozenset({"cli", "module-level"})
_OFTEN_BOUNDARIES = frozenset({"task"})


class Repetition:
    """Answers `is_once(function)` and `is_often(function)`; unknown functions are neither."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._dependencies = frozenset(project.session_dependencies)

    def is_once(self, function: Function) -> bool:
        """Whether nothing but start-up code, scripts and tests runs `function`."""
        return self._is_once(function, frozenset())

    def _is_once(self, function: Function, seen: frozenset[Function]) -> bool:
        if _is_once_by_place(function):
            return True
        if self._is_entry(function) or len(seen) > _MAX_DEPTH:
            return False
        callers = [site.function for site in self._project.callers(function)]
        following = seen | {function}
        return bool(callers) and all(
            caller in seen or self._is_once(caller, following) for caller in callers
        )

    def is_often(self, function: Function) -> bool:
        """Whether a route, a dependency or a task runs `function`."""
        pending, seen = [(function, 0)], {function}
        while pending:
            current, depth = pending.pop()
            if _is_once_by_place(current) or _remembers(current):
                continue
            if self._is_entry(current):
                return True
            for site in self._project.callers(current):
                if depth < _MAX_DEPTH and site.function not in seen:
                    seen.add(site.function)
                    pending.append((site.function, depth + 1))
        return False

    def _is_entry(self, function: Function) -> bool:
        is_task = function.boundary in _OFTEN_BOUNDARIES
        return function.is_route or function in self._dependencies or is_task


def _is_once_by_place(function: Function) -> bool:
    parts = function.module.path.split("/")
    return (
        function.is_module
        or function.name in _ONCE_NAMES
        or function.boundary in _ONCE_BOUNDARIES
        or function.module.is_test
        or not _ONCE_FOLDERS.isdisjoint(parts[:-1])
        or parts[-1] in ("env.py", "__main__.py", "manage.py")
    )


def _remembers(function: Function) -> bool:
    """Whether `function` keeps in an attribute what it makes, and looks there before."""
    if not isinstance(function.node, s.FunctionDef) or function.name == "__init__":
        return False
    own = [node for statement in function.node.body for node in s.own_code(statement)]
    kept = {
        s.dotted_name(target)
        for node in own
        if isinstance(node, s.Assign)
        for target in node.targets
        if isinstance(target, s.Attribute)
    }
    named = [s.dotted_name(node) for node in own if isinstance(node, s.Attribute)]
    return any(named.count(name) > 1 for name in kept if name)
