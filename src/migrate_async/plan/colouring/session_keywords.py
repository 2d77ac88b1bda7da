"""Sessions that the wrapper of a decorator puts among the arguments of what it wraps.

    def begin_session(function):
        @wraps(function)
        def wrapper(*args, **kwargs):
            if kwargs.get("session") is not None:
                return function(*args, **kwargs)
            with SessionLocal.begin() as session:
                kwargs["session"] = session
                return function(*args, **kwargs)

        return wrapper

`kwargs` is a dict, but nobody else sees it: the session is the parameter `session` of whatever the
decorator is on, and of nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from migrate_async.index.declarative import string
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.model import syntax as s

_LOOKS = frozenset({"get", "pop", "setdefault"})
"""Methods of a dict that concern one key."""


class SessionKeywords:
    """Answers for one project."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def is_one(self, target: s.Expr, function: Function) -> bool:
        """Whether what `function` puts into `target` is such an argument, and nothing else."""
        if not isinstance(target, s.Subscript) or not isinstance(target.value, s.Name):
            return False
        keywords, key = _keywords(function), string(target.index)
        wrapped = self._project.wrapped_by(function)
        if keywords != target.value.id or not key or not wrapped:
            return False
        wrappers = {other for inner in wrapped for other in self._wrappers.get(inner, ())}
        return all(self._passes_on(wrapper, key) for wrapper in wrappers) and all(
            self._takes(inner, key) for inner in wrapped
        )

    @cached_property
    def _wrappers(self) -> dict[Function, list[Function]]:
        """By what decorators are on: the wrappers in its place, of all its decorators."""
        found: dict[Function, list[Function]] = {}
        for wrapper in self._project.functions:
            for function in self._project.wrapped_by(wrapper):
                found.setdefault(function, []).append(wrapper)
        return found

    def _takes(self, function: Function, key: str) -> bool:
        """Whether the parameter `key` of `function` is known to be a session."""
        for param in function.params:
            if param.name == key:
                taken = s.Name(*param.span, param.name)
                return self._project.session_kind(taken, function.scope) is not None
        return not _keywords(function)

    def _passes_on(self, wrapper: Function, key: str) -> bool:
        """Whether `wrapper` hands its keywords to what it wraps, and uses no session in them."""
        name = _keywords(wrapper)
        if not name:  # it names what it takes, and that is followed
            return True
        nodes = (node for node in _nodes(wrapper) if isinstance(node, s.Name) and node.id == name)
        return all(self._is_harmless(node, key, wrapper) for node in nodes)

    def _is_harmless(self, node: s.Name, key: str, wrapper: Function) -> bool:
        around = self._project.parent(node)
        if isinstance(around, s.Keyword) and around.arg is None:
            call = self._project.parent(around)
            return isinstance(call, s.Call) and self._runs_wrapped(call, wrapper)
        if isinstance(around, s.Subscript):
            return self._is_set(around) or string(around.index) not in ("", key)
        if isinstance(around, s.Attribute) and around.attr in _LOOKS:
            call = self._project.parent(around)
            return isinstance(call, s.Call) and self._is_look(call, key)
        return isinstance(around, s.Operation) and around.operator in ("in", "not in")

    def _runs_wrapped(self, call: s.Call, wrapper: Function) -> bool:
        wrapped = set(self._project.wrapped_by(wrapper))
        sites = (site for site in self._project.calls(wrapper) if site.node is call)
        return any(wrapped <= set(site.targets) for site in sites)

    def _is_set(self, target: s.Subscript) -> bool:
        statement = self._project.parent(target)
        return isinstance(statement, s.Assign) and target in statement.targets

    def _is_look(self, call: s.Call, key: str) -> bool:
        """Whether `call` looks for another key, or only whether there is something at `key`."""
        found = string(call.args[0]) if call.args else ""
        around = self._project.parent(call)
        is_test = isinstance(around, s.If) and around.test is call
        is_compared = isinstance(around, s.Operation) and around.operator in ("is", "is not", "not")
        return bool(found) and (found != key or is_test or is_compared)


def _keywords(function: Function) -> str:
    """The name of `**kwargs` of `function`, if it has that."""
    return next((param.name for param in function.params if param.kind == "**"), "")


def _nodes(function: Function) -> Iterator[s.AnyNode]:
    if isinstance(function.node, s.FunctionDef):
        for statement in function.node.body:
            yield from s.walk(statement)
