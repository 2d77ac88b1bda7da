"""Relationships that are a query (`lazy="dynamic"`): on which session, and of what objects.

`user.posts` is a query on the session of `user`, and `user.posts.statement` is its statement, with
the criteria and the order of the relationship. Of an object that is in no session, or not yet in
the database, it gives what was added to the collection. So the object must be a loaded one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from migrate_async.index import scopes as sc
from migrate_async.index.scopes import Function
from migrate_async.index.types import ResultOf
from migrate_async.knowledge.sqlalchemy import GIVES_LOADED, LETS_GO
from migrate_async.model import syntax as s
from migrate_async.plan.queries.names import bindings
from migrate_async.plan.queries.project import ProjectView
from migrate_async.plan.text import is_plain, text

_DEPTH = 4

_SIDE_OF = "sync_side"
_SIDE = "sync_session"
"""How the function of the runtime, and the attribute, are called that give the sync side."""


@dataclass(frozen=True)
class Loaded:
    """An object that the session `session` has loaded; empty: one that has no name here."""

    session: str = ""


class Holders:
    """Where the objects come from whose relationships are read."""

    def __init__(self, project: ProjectView) -> None:
        self._project = project

    def of(self, owner: s.Name, function: Function) -> Loaded | None:
        """What is known of the object `owner` in `function`; None: it may be a new one."""
        if self._may_leave(owner, function):
            return None
        return self._named(owner, _DEPTH)

    def _may_leave(self, owner: s.Name, function: Function) -> bool:
        """Whether code of `function` takes objects out of their session, or deletes this one."""
        for call in function.calls:
            is_before = call.node.line <= owner.line
            is_deleted = call.name == "delete" and owner.id in map(text, call.node.args)
            if is_before and (is_deleted or call.name in LETS_GO):
                return True
        return False

    def _named(self, name: s.Name, depth: int) -> Loaded | None:
        found = bindings(name.id, self._project.scope(name))
        return _together(self._bound(binding, depth) for binding in found)

    def _bound(self, binding: sc.Binding, depth: int) -> Loaded | None:
        if isinstance(binding, sc.ParameterBinding):
            return self._given(binding, depth)
        if isinstance(binding, sc.ValueBinding | sc.IterationBinding):
            return self._value(binding.value, depth)
        if isinstance(binding, sc.AnnotatedBinding) and binding.value is not None:
            return self._value(binding.value, depth)
        return None

    def _given(self, binding: sc.ParameterBinding, depth: int) -> Loaded | None:
        """What a dependency gives: an object of the request's session, if it depends on that."""
        targets = self._dependencies(binding.function, binding.parameter)
        found = _together(self._made(target, depth) for target in targets)
        if found is None or not found.session or len(targets) != 1:
            return found and Loaded()
        own = self._sources(targets[0], _parameter(targets[0], found.session))
        names = [
            parameter.name
            for parameter in binding.function.params
            if own and self._sources(binding.function, parameter) == own
        ]
        return Loaded(names[0] if names else "")

    def _sources(self, function: Function, parameter: s.Parameter | None) -> list[Function]:
        """The dependencies that give `parameter` its session, whichever side of it."""
        return [
            source
            for target in self._dependencies(function, parameter)
            for source in self._sources(target, _other_side(target)) or [target]
        ]

    def _dependencies(self, function: Function, parameter: s.Parameter | None) -> list[Function]:
        """What FastAPI calls for `parameter`."""
        if parameter is None:
            return []
        annotation = parameter.annotation
        if annotation is not None and function.scope.parent is not None:
            project = self._project.project
            annotation = project.value_of(annotation, function.scope.parent) or annotation
        inside = {parameter.default, *(s.walk(annotation) if annotation is not None else ())}
        return [
            target
            for site in self._project.project.calls(function)
            if site.kind == "dependency" and site.node in inside
            for target in site.targets
        ]

    def _value(self, value: s.Expr, depth: int) -> Loaded | None:
        if isinstance(value, s.Await):
            return self._value(value.value, depth)
        if not depth:
            return None
        if isinstance(value, s.Name):
            return self._named(value, depth - 1)
        if isinstance(value, s.Conditional):
            parts = (value.body, value.orelse)
            return _together(self._value(part, depth) for part in parts if not _is_none(part))
        if not isinstance(value, s.Call | s.Subscript | s.Attribute):
            return None
        return self._by_session(value, depth) or self._by_function(value, depth)

    def _by_session(self, value: s.Expr, depth: int) -> Loaded | None:
        """`db.query(User).first()`, `db.get(User, 1)`, `db.execute(...).scalar_one()`."""
        node: s.Expr = value
        while isinstance(node, s.Call | s.Attribute | s.Subscript | s.Await):
            func = node.func if isinstance(node, s.Call) else None
            if isinstance(func, s.Attribute) and self._is_session(func.value):
                name = text(func.value) if is_plain(func.value) else ""
                return Loaded(name) if func.attr in GIVES_LOADED else None
            if isinstance(node, s.Attribute) and self._project.is_dynamic(node):
                return self._related(node, depth)
            node = node.func if isinstance(node, s.Call) else node.value
        is_result = isinstance(node, s.Name) and node is not value and self._is_result(node)
        return self._named(node, depth - 1) if is_result and isinstance(node, s.Name) else None

    def _is_session(self, node: s.Expr) -> bool:
        """Whether it is one, of either kind: functions that have migrated give the same objects."""
        return self._project.project.session_kind(node, self._project.scope(node)) is not None

    def _is_result(self, node: s.Name) -> bool:
        return any(isinstance(item, ResultOf) for item in self._project.infer(node))

    def _related(self, node: s.Attribute, depth: int) -> Loaded | None:
        """What a dynamic relationship of an object gives that is loaded itself."""
        return self._named(node.value, depth - 1) if isinstance(node.value, s.Name) else None

    def _by_function(self, value: s.Expr, depth: int) -> Loaded | None:
        """What a function of the project finds in the session that it is given."""
        targets = self._project.targets(value) if isinstance(value, s.Call) and depth else []
        if not targets:
            return None
        found: list[Loaded | None] = []
        for target in targets:
            made = self._made(target.function, depth)
            given = target.arguments.get(made.session) if made is not None else None
            is_named = given is not None and is_plain(given)
            name = text(given) if given is not None and is_named else ""
            found.append(None if made is None else Loaded(name))
        return _together(found)

    def _made(self, function: Function, depth: int) -> Loaded | None:
        if not depth or function.is_generator:
            return None
        returned = [value for value in function.returns if not _is_none(value)]
        return _together(self._value(value, depth - 1) for value in returned)


def _together(parts: Iterable[Loaded | None]) -> Loaded | None:
    found = list(parts)
    known = [part for part in found if part is not None]
    if not found or len(known) < len(found):
        return None
    sessions = {part.session for part in known}
    return Loaded(sessions.pop() if len(sessions) == 1 else "")


def _other_side(function: Function) -> s.Parameter | None:
    """The parameter of a dependency that hands on the sync side of the session that it gets."""
    value = function.returns[0] if len(function.returns) == 1 else None
    if isinstance(value, s.Attribute) and value.attr == _SIDE:
        value = value.value
    elif isinstance(value, s.Call) and sc.last_name(value.func) == _SIDE_OF and value.args:
        value = value.args[0]
    else:
        return None
    return _parameter(function, value.id) if isinstance(value, s.Name) else None


def _parameter(function: Function, name: str) -> s.Parameter | None:
    return next((item for item in function.params if item.name == name), None)


def _is_none(expr: s.Expr) -> bool:
    return isinstance(expr, s.Constant) and expr.kind == "None"
