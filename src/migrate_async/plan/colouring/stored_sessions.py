"""Sessions that code puts where nobody can follow them: `local.session = SessionLocal()`.

In an attribute of `threading.local()` each thread has a session of its own. Coroutines share one
thread, and so would share the session. What is in a dict, or in an object of an unknown kind, may
be meant for anybody.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.types import ExternalInstance, ExternalResult
from migrate_async.model import syntax as s
from migrate_async.plan import blocks
from migrate_async.plan.colouring.session_keywords import SessionKeywords

_OF_THREAD = "a variable of the thread"
_OF_THREADS = frozenset({"threading.local", "_thread._local", "werkzeug.local.Local"})


def stored_sessions(project: Project, function: Function) -> Iterator[tuple[s.Expr, str]]:
    """The sync sessions that `function` puts away so, and into what."""
    for statement, place in _sets(project, function):
        value = statement.value if isinstance(statement, s.Assign) else None
        if value is not None and project.session_kind(value, function.scope) == "sync":
            yield value, place


def sets_of_thread(project: Project, function: Function) -> Iterator[s.Stmt]:
    """Where `function` sets a variable of the thread, which all coroutines would share."""
    for statement, place in _sets(project, function):
        if place == _OF_THREAD:
            yield statement


def _sets(project: Project, function: Function) -> Iterator[tuple[s.Stmt, str]]:
    """The statements of `function` that set something so, and what they set."""
    node = function.node
    if not isinstance(node, s.FunctionDef) or function.module.is_test:
        return
    for statement in blocks.statements(node.body):
        for target in blocks.targets(statement):
            place = _place(project, target, function)
            if place:
                yield statement, place


def _place(project: Project, target: s.Expr, function: Function) -> str:
    if isinstance(target, s.Subscript):
        is_argument = project.shared(SessionKeywords).is_one(target, function)
        return "" if is_argument else "a dict or list"
    if not isinstance(target, s.Attribute) or not isinstance(target.value, s.Name):
        return ""
    if target.value.id == function.self_name:
        return ""
    types = project.infer(target.value, function.scope)
    names = {item.dotted for item in types if isinstance(item, ExternalInstance | ExternalResult)}
    if not names.isdisjoint(_OF_THREADS):
        return _OF_THREAD
    return "" if types else "an object of an unknown kind"
