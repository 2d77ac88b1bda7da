"""Sessions that code puts where nobody can follow them: `local.session = SessionLocal()`.

In an attribute of `threading.local()` each thread has a session of its own. Coroutines share one
thread, and so would share the session. What is in a dict, or in an object whose attributes nobody
follows (that of a package, of an unknown kind, a function), may be meant for anybody. So it is with
what a function is given and puts away: `attach(app, session)`.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.calls import arguments
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.sites import CallSite
from migrate_async.index.types import (
    ClassObject,
    ExternalInstance,
    ExternalResult,
    Instance,
    ModuleObject,
)
from migrate_async.model import syntax as s
from migrate_async.plan import blocks
from migrate_async.plan.colouring.session_keywords import SessionKeywords

_FOLLOWED = (ClassObject, Instance, ModuleObject)
"""Whose attributes are known: objects and classes of the project, and its modules."""

_OF_THREAD = "a variable of the thread"
_OF_THREADS = frozenset({"threading.local", "_thread._local", "werkzeug.local.Local"})


def stored_sessions(project: Project, function: Function) -> Iterator[tuple[s.Expr, str]]:
    """The sync sessions that `function` puts away so, or has put away, and into what."""
    for statement, place in _sets(project, function):
        value = statement.value if isinstance(statement, s.Assign) else None
        if value is not None and project.session_kind(value, function.scope) == "sync":
            yield value, place
    yield from _handed_over(project, function)


def _handed_over(project: Project, function: Function) -> Iterator[tuple[s.Expr, str]]:
    """Those that it gives what puts them away."""
    putters = project.shared(Putters)
    for site in project.calls(function) if putters.known else ():
        for target in site.targets:
            for param, value in _arguments(site, target):
                place = putters.place(target, param)
                if place and project.session_kind(value, site.scope) == "sync":
                    yield value, f"{place}, by {target.qualname}"


class Putters:
    """The functions of one project that put away what they are given, and which parameter.

    So do those that hand a parameter of theirs to such a function.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self.known: dict[tuple[Function, str], str] = {}
        for function in project.functions:
            for statement, place in _sets(project, function):
                value = statement.value if isinstance(statement, s.Assign) else None
                self._note(function, value, place)

    def place(self, function: Function, parameter: str) -> str:
        """Into what `function` puts that; empty if it does not."""
        return self.known.get((function, parameter), "")

    def _note(self, function: Function, value: s.Expr | None, place: str) -> None:
        """`function` puts `value` there: if it is a parameter, look who gives it."""
        if not isinstance(value, s.Name) or all(p.name != value.id for p in function.params):
            return
        if (function, value.id) in self.known:
            return
        self.known[function, value.id] = place
        for site in self._project.callers(function):
            for param, given in _arguments(site, function):
                if param == value.id:
                    self._note(site.function, given, place)


def _arguments(site: CallSite, target: Function) -> Iterator[tuple[str, s.Expr]]:
    """The parameters of `target` that the call gives something."""
    if isinstance(site.node, s.Call) and site.kind != "dependency":
        params = target.params[1:] if target.self_name else target.params
        for param, value in arguments(params, site.node):
            yield param.name, value


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
    if types and all(isinstance(item, _FOLLOWED) for item in types):
        return ""
    return "an object whose attributes nobody follows" if types else "an object of an unknown kind"
