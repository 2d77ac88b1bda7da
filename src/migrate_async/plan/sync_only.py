"""Engines of databases for which no async driver is known: `create_engine("snowflake://...")`.

They stay sync, whatever else becomes async, with the factories on them and whoever uses either.
Only where the code says which database it is: the URL, or what it begins with.
"""

from __future__ import annotations

from migrate_async.index.declarative import string
from migrate_async.index.project import Project
from migrate_async.index.scopes import Scope
from migrate_async.index.sessions import Variable
from migrate_async.knowledge.async_api import ASYNC_DRIVERS
from migrate_async.model import syntax as s

_ASYNC = frozenset(
    {"aiomysql", "aioodbc", "aiosqlite", "asyncmy", "asyncpg", "oracledb_async", "psycopg_async"}
)
_MOST_STEPS = 8


def sync_only_driver(project: Project, engine: Variable) -> str:
    """The name that the URL of `engine` begins with, if no async driver is known for it."""
    call = engine.value
    if engine.kind != "engine" or not isinstance(call, s.Call):
        return ""
    if s.dotted_name(call.func).rpartition(".")[2] != "create_engine" or not call.args:
        return ""
    name, separator, _ = _beginning(project, call.args[0], engine.scope).partition("://")
    if not separator or name in ASYNC_DRIVERS or name.partition("+")[2] in _ASYNC:
        return ""
    return name


def _beginning(project: Project, expr: s.Expr | None, scope: Scope) -> str:
    """What the text `expr` begins with, as far as the code says."""
    for _ in range(_MOST_STEPS):
        if isinstance(expr, s.Constant):
            return string(expr)
        if isinstance(expr, s.Operation) and expr.operator in ("f-string", "+") and expr.operands:
            expr = expr.operands[0]
        elif isinstance(expr, s.Call) and isinstance(expr.func, s.Attribute):
            expr = expr.func.value if expr.func.attr == "format" else None
        elif isinstance(expr, s.Name | s.Attribute):
            expr = project.value_of(expr, scope)
        else:
            return ""
    return ""
