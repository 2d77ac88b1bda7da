"""The service registry: the session's registration goes when nothing resolves it any more."""

from __future__ import annotations

from migrate_async.config import Settings
from migrate_async.index.project import Project
from migrate_async.index.scopes import Module
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.database import ModuleEdits

NAME = "registry-cleanup"


def registry_edits(project: Project, settings: Settings) -> dict[Module, ModuleEdits]:
    """Remove `Container.register_factory("db_session", ...)` statements at module level."""
    found: dict[Module, ModuleEdits] = {}
    for module in project.modules.values():
        for statement in module.syntax.body:
            call = _registration(statement, settings.registry_keys)
            if call is None:
                continue
            edits = found.setdefault(module, ModuleEdits())
            edits.edits.append(p.ReplaceStatement(span=statement.span, codemod=NAME))
            edits.unneeded += [node.id for node in s.walk(call) if isinstance(node, s.Name)]
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
