"""Revisions with text that asyncpg refuses: several statements in one string."""

from __future__ import annotations

import re
from collections.abc import Iterator

from migrate_async.index.declarative import string
from migrate_async.index.project import Project
from migrate_async.index.scopes import Module
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, at
from migrate_async.plan.alembic.environment import is_revision
from migrate_async.plan.module_edits import ModuleEdits

SEVERAL_STATEMENTS = "MA562"

_EXECUTING = frozenset({"execute", "text", "exec_driver_sql"})
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/|\$(\w*)\$.*?\$\1\$", re.DOTALL)


def refused_statements(project: Project) -> Iterator[tuple[Module, ModuleEdits]]:
    """Warnings about the migrations of `project` that asyncpg would not run."""
    for module in project.modules.values():
        if not is_revision(module):
            continue
        found = ModuleEdits(diagnostics=[_warning(module, call) for call in _several(module)])
        if found.diagnostics:
            yield module, found


def _several(module: Module) -> Iterator[s.Call]:
    for statement in module.syntax.body:
        for node in s.walk(statement):
            if not isinstance(node, s.Call) or not node.args:
                continue
            name = s.dotted_name(node.func).rpartition(".")[2]
            if name in _EXECUTING and has_several_statements(string(node.args[0])):
                yield node


def has_several_statements(sql: str) -> bool:
    """Whether more follows the first semicolon of `sql`, strings and comments aside."""
    return bool(_QUOTED.sub(" ", sql).partition(";")[2].strip(" \t\r\n;"))


def _warning(module: Module, call: s.Call) -> Diagnostic:
    return at(
        module.path,
        call.span,
        SEVERAL_STATEMENTS,
        "several statements in one string: psycopg2 runs them, asyncpg refuses them",
        "give each statement an execute() of its own, or migrate with psycopg (3)",
    )
