"""The service registry: the session's registration goes when nothing resolves it any more."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.config import Settings
from migrate_async.index.project import Project
from migrate_async.index.scopes import Module
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.module_edits import ModuleEdits

NAME = "registry-cleanup"


def registrations(project: Project, settings: Settings) -> Iterator[tuple[Module, s.Stmt]]:
    """`Container.register_factory("db_session", ...)` statements at module level."""
    for module in project.modules.values():
        for statement in module.syntax.body:
            if _registration(statement, settings.registry_keys) is not None:
                yield module, statement


def removal(statement: s.Stmt) -> ModuleEdits:
    """Remove one registration."""
    found = ModuleEdits([p.ReplaceStatement(span=statement.span, codemod=NAME)])
    found.unneeded += [node.id for node in s.walk(statement) if isinstance(node, s.Name)]
    return found


def _registration(statement: s.Stmt, keys: tuple[str, ...]) -> s.Call | None:
    if not isinstance(statement, s.ExpressionStatement) or not isinstance(statement.value, s.Call):
        return None
    call = statement.value
    method = call.func.attr if isinstance(call.func, s.Attribute) else ""
    first = call.args[0] if call.args else None
    if method.startswith("register") and isinstance(first, s.Constant) and first.value in keys:
        return call
    return None
