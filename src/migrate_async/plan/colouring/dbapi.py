"""What works on the connection of the driver: `db.connection().connection.cursor()`.

Async drivers have another API. The one that SQLAlchemy adapts has to be used in a greenlet, and
writes parameters in its own way.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.sites import CallSite
from migrate_async.index.types import ExternalInstance
from migrate_async.knowledge.sqlalchemy import CONNECTION
from migrate_async.model import syntax as s

_RAW = frozenset({"connection", "dbapi_connection", "driver_connection"})


def raw_reads(project: Project, function: Function) -> Iterator[s.Attribute]:
    """Where `function` reads the driver's connection of a sync `Connection`."""
    if function.module.attributes.isdisjoint(_RAW):
        return
    for node in function.nodes(s.Attribute):
        if node.attr in _RAW:
            types = project.infer(node.value, project.scope_of(node))
            if any(isinstance(t, ExternalInstance) and t.dotted == CONNECTION for t in types):
                yield node


def session_of_raw(project: Project, function: Function) -> s.Expr | None:
    """The session whose connection to the database `function` takes apart; None: no session's."""
    for node in raw_reads(project, function):
        call = project.value_of(node.value, project.scope_of(node)) or node.value
        func = call.func if isinstance(call, s.Call) else None
        session = func.value if isinstance(func, s.Attribute) else None
        if session is not None and project.session_kind(session, project.scope_of(call)) == "sync":
            return session
    return None


def engine_of_session(project: Project, site: CallSite) -> tuple[s.Expr, s.Expr] | None:
    """In `db.get_bind().raw_connection()`, the engine and the session that it is of."""
    operation, call = site.operation, site.node
    if operation is None or (operation.owner, operation.name) != ("engine", "raw_connection"):
        return None
    if operation.is_async or not isinstance(call, s.Call):
        return None
    engine = call.func.value if isinstance(call.func, s.Attribute) else call.func
    current: s.Expr = engine
    seen: set[s.Expr] = set()
    while True:
        current = project.value_of(current, project.scope_of(current)) or current
        if not isinstance(current, s.Call | s.Attribute) or current in seen:
            return None
        seen.add(current)
        current = current.func if isinstance(current, s.Call) else current.value
        if project.session_kind(current, project.scope_of(current)) == "sync":
            return engine, current
