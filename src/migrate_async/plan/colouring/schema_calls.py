"""`Base.metadata.create_all(engine)` and its like, as async code runs them."""

from __future__ import annotations

from collections.abc import Callable

from migrate_async.index.project import Project
from migrate_async.index.scopes import Scope, last_name
from migrate_async.index.sites import CallSite
from migrate_async.knowledge.async_api import METADATA_IO, TABLE_IO
from migrate_async.model import syntax as s
from migrate_async.plan.names import free_name
from migrate_async.plan.text import source, source_if_simple

_TABLE = frozenset({"sqlalchemy.Table", "sqlalchemy.schema.Table", "sqlalchemy.sql.schema.Table"})


def makes_schema(project: Project, call: s.Call, scope: Scope) -> bool:
    """Whether `call` is of a method that runs SQL on the engine which it is given.

    `metadata.create_all(engine)`, `User.__table__.create(engine)`, `users.drop(engine)`.
    """
    func = call.func
    if last_name(func) in METADATA_IO:
        return True
    if not isinstance(func, s.Attribute) or func.attr not in TABLE_IO:
        return False
    if isinstance(func.value, s.Attribute) and func.value.attr == "__table__":
        return True
    types = project.infer(func.value, scope)
    return any(getattr(item, "dotted", "") in _TABLE for item in types)


def schema_call(
    project: Project, site: CallSite, written: Callable[[s.Expr], str] = source_if_simple
) -> str:
    """The statements for one call, as source; empty where they cannot be written.

    On an engine that is `async with engine.begin() as connection:` around `await
    connection.run_sync(...)`, on a connection only the latter. `written` says how an engine is
    named, `engine`, or asked for, `get_engine()`.
    """
    call = site.node
    assert isinstance(call, s.Call)  # noqa: S101  a metadata touch is a call
    binds = [value for value in call.values if project.engine_or_connection(value, site.scope)]
    method = s.dotted_name(call.func)
    if len(binds) != 1 or not method or (call.args and call.args[0] is not binds[0]):
        return ""
    bind = written(binds[0])
    others = _others(call, binds[0])
    if not bind or others is None or not _is_asked_for(project, site, binds[0]):
        return ""
    arguments = ", ".join([method, *others])
    if project.engine_or_connection(binds[0], site.scope) == "connection":
        return f"await {bind}.run_sync({arguments})"
    name = free_name(site.function, "connection")
    return f"async with {bind}.begin() as {name}:\n    await {name}.run_sync({arguments})"


def _is_asked_for(project: Project, site: CallSite, bind: s.Expr) -> bool:
    """Whether functions of the project give `bind`, as far as calls do: those of a session wait."""
    calls = {part for part in s.walk(bind) if isinstance(part, s.Call)}
    followed = {other.node for other in project.calls(site.function) if other.targets}
    return calls <= followed


def _others(call: s.Call, bind: s.Expr) -> list[str] | None:
    """The arguments besides the engine; None where they cannot be written."""
    if any(keyword.arg is None for keyword in call.keywords):
        return None
    try:
        return [
            *(source(value) for value in call.args if value is not bind),
            *(f"{k.arg}={source(k.value)}" for k in call.keywords if k.value is not bind),
        ]
    except ValueError:
        return None
