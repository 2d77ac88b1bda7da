"""Which modules are Alembic environments, and whether the project runs Alembic's commands.

By their imports: many projects have a folder `alembic` of their own, which hides the package.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Binding, FromBinding, ImportBinding, Module
from migrate_async.model import syntax as s

_COMMANDS = frozenset({"alembic", "alembic.command", "alembic.config"})


def environments(project: Project) -> list[Module]:
    """The modules that run migrations: `env.py`, whatever it is called."""
    return [module for module in project.modules.values() if is_environment(module)]


def is_environment(module: Module) -> bool:
    """Whether `module` calls `context.run_migrations()`."""
    calls = {
        f"{local}.run_migrations"
        for local, bindings in module.scope.names.items()
        if any(_is_from(binding, "alembic", "context") for binding in bindings)
    }
    return bool(calls) and any(
        isinstance(node, s.Call) and s.dotted_name(node.func) in calls
        for statement in module.syntax.body
        for node in s.walk(statement)
    )


def is_async_environment(module: Module) -> bool:
    """Whether the environment `module` runs something on an async connection."""
    return any(
        isinstance(node, s.Attribute) and node.attr == "run_sync"
        for statement in module.syntax.body
        for node in s.walk(statement)
    )


def is_revision(module: Module) -> bool:
    """Whether `module` is a migration."""
    names = module.scope.names
    return "revision" in names and "down_revision" in names


def runs_commands(project: Project) -> bool:
    """Whether a program of the project runs migrations, perhaps in an event loop."""
    return any(
        _is_from(binding, "alembic", "command")
        or _is_from(binding, "alembic.command")
        or (isinstance(binding, ImportBinding) and binding.dotted in _COMMANDS)
        for binding in _bindings(project)
    )


def _bindings(project: Project) -> Iterator[Binding]:
    for module in project.modules.values():
        for bindings in module.scope.names.values():
            yield from bindings
    for function in project.functions:
        for bindings in function.scope.names.values():
            yield from bindings


def _is_from(binding: Binding, module: str, name: str | None = None) -> bool:
    return (
        isinstance(binding, FromBinding)
        and binding.module == module
        and name in (None, binding.name)
    )
