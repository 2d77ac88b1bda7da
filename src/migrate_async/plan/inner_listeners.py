"""Event listeners inside of functions that convert, and what is said of listeners elsewhere.

SQLAlchemy calls a listener with sync objects. What its body takes from the function around it is
async once that converts, and has its sync object inside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Module, Scope
from migrate_async.index.sites import CallSite
from migrate_async.index.types import External
from migrate_async.knowledge.sqlalchemy import SYNC_SESSION
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.engines import NAME
from migrate_async.plan.module_edits import ModuleEdits

INSIDE = {"session": SYNC_SESSION, "engine": "sync_engine", "connection": "sync_connection"}
"""The attribute of an async object that is its sync one."""

_BOUNDARIES = frozenset({"sqlalchemy-event", "value:listen"})
"""The boundaries of a function that SQLAlchemy calls when something happens."""

REGISTER = frozenset({"contains", "listen", "listens_for", "remove"})
"""The functions of `sqlalchemy.event` that take what is listened to."""

_REGISTRIES = frozenset(
    f"sqlalchemy.event{home}.{name}" for home in ("", ".api") for name in REGISTER
)


def is_listener(function: Function) -> bool:
    """Whether SQLAlchemy calls `function`, with sync objects, also where an async one is used."""
    return function.boundary in _BOUNDARIES


def is_inside_listener(function: Function, converts: Callable[[Function], bool]) -> bool:
    """Whether `function` is a listener inside a function that converts, or did."""
    outer = function.parent
    return is_listener(function) and outer is not None and (outer.is_async or converts(outer))


def registers_listener(project: Project, site: CallSite) -> bool:
    """Whether `site` is `event.listen(...)` or the like."""
    return isinstance(site.node, s.Call) and is_event(project, site.node, site.scope)


def is_event(project: Project, call: s.Call, scope: Scope) -> bool:
    """Whether `call` is of SQLAlchemy's `event.listen` or one of its relatives."""
    return any(
        isinstance(item, External) and item.dotted in _REGISTRIES
        for item in project.infer(call.func, scope)
    )


def kind_inside(project: Project, function: Function, value: s.Expr) -> str:
    """`session`, `engine` or `connection` where `value` is a sync one; else empty."""
    if isinstance(value, s.Attribute) and value.attr in INSIDE.values():
        return ""
    if project.session_kind(value, function.scope) == "sync":
        return "session"
    kind = project.engine_or_connection(value, function.scope) or ""
    return kind if kind in INSIDE else ""


def inner_listener_edits(
    project: Project, converts: Callable[[Function], bool]
) -> Iterator[tuple[Module, ModuleEdits]]:
    """The bodies of listeners inside of functions that convert."""
    for function in project.functions:
        if is_inside_listener(function, converts) and isinstance(function.node, s.FunctionDef):
            found = ModuleEdits()
            for statement in function.node.body:
                _read_inside(project, found, function, statement)
            yield function.module, found


def _read_inside(
    project: Project, found: ModuleEdits, function: Function, statement: s.Stmt
) -> None:
    for node in s.walk(statement):
        if isinstance(node, s.Name) and _is_outer(project, node, function):
            kind = kind_inside(project, function, node)
            if kind:
                code = f"{{}}.{INSIDE[kind]}"
                found.edits.append(p.ReplaceExpression(span=node.span, codemod=NAME, code=code))


def _is_outer(project: Project, node: s.Name, function: Function) -> bool:
    """Whether `node` reads a variable of the function around."""
    outer = function.parent
    parent = project.parent(node)
    is_bound = isinstance(parent, s.Assign) and parent.value is not node
    return (
        outer is not None
        and node.id not in function.scope.names
        and node.id in outer.scope.names
        and not is_bound
    )
