"""Sessions in a `ContextVar`: who puts one in, and who works on the one that is there.

    _session = ContextVar("_session", default=None)

    class Database:
        @property
        def session(self) -> Session:
            return _session.get()

There is one session in it, sync or async: they convert together or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TypeAlias

from migrate_async.index.project import Project
from migrate_async.index.scopes import AnnotatedBinding, Function, Module, last_name
from migrate_async.model import syntax as s
from migrate_async.plan.names import is_variable

_Key: TypeAlias = tuple[Module, str]


class ContextSessions:
    """Which functions of a project share the session of a context variable."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def peers(self, function: Function) -> tuple[Function, ...]:
        """The other functions that put a session into the same variable, or work on it."""
        found: dict[Function, None] = {}
        for key in self._keys.get(function, ()):
            found.update(dict.fromkeys(self._users[key]))
        found.pop(function, None)
        return tuple(found)

    def declared(self) -> Iterator[tuple[Module, s.Expr, tuple[Function, ...]]]:
        """What says of a variable that it holds a session, and who works on that.

        `ContextVar[Session]`, in an annotation or a call.
        """
        for module, name in self._variables:
            users = tuple(self._users.get((module, name), ()))
            for binding in module.scope.names[name]:
                value, annotation = getattr(binding, "value", None), None
                if isinstance(binding, AnnotatedBinding):
                    annotation = binding.annotation
                for part in (annotation, value.func if isinstance(value, s.Call) else None):
                    if isinstance(part, s.Subscript):
                        yield module, part, users

    @cached_property
    def _users(self) -> dict[_Key, list[Function]]:
        found: dict[_Key, list[Function]] = {}
        for function, keys in self._keys.items():
            for key in keys:
                found.setdefault(key, []).append(function)
        return found

    @cached_property
    def _keys(self) -> dict[Function, tuple[_Key, ...]]:
        """Each function that uses such a session, itself or through a function that gives it."""
        if not self._variables:
            return {}
        direct = {function: set(self._used(function)) for function in self._project.functions}
        found: dict[Function, tuple[_Key, ...]] = {}
        for function in self._project.functions:
            keys = set(direct[function])
            for site in self._project.calls(function):
                keys.update(key for target in site.targets for key in direct.get(target, ()))
            if keys and self._works(function) and not function.module.is_test:
                found[function] = tuple(sorted(keys, key=lambda key: (key[0].name, key[1])))
        return found

    @cached_property
    def _variables(self) -> tuple[_Key, ...]:
        return tuple(
            (module, name)
            for module in self._project.modules.values()
            for name, bindings in module.scope.names.items()
            if any(_is_made(getattr(binding, "value", None)) for binding in bindings)
        )

    def _used(self, function: Function) -> Iterator[_Key]:
        """The variables that `function` reads a session of, or sets to one."""
        for call in function.calls:
            func = call.node.func
            if not isinstance(func, s.Attribute) or not isinstance(func.value, s.Name):
                continue
            if func.attr == "get" and not self._gives_session(function):
                continue
            if func.attr == "set" and not self._may_be_session(call.node):
                continue
            for module, name in self._variables if func.attr in ("get", "set") else ():
                if is_variable(function.module, module, name, func.value.id):
                    yield module, name

    def _gives_session(self, function: Function) -> bool:
        """Whether it returns a session, or works on one that it has found there."""
        types = self._project.returns(function)
        return self._project.session_kind_of(types) is not None or self._works(function)

    def _works(self, function: Function) -> bool:
        """Whether it does more than to hand the session on."""
        sites = self._project.calls(function) if not function.is_module else ()
        return any(site.operation is not None for site in sites)

    def _may_be_session(self, call: s.Call) -> bool:
        """Whether the value is a session, or a parameter that anybody may pass one for."""
        value = call.args[0] if call.args else None
        if value is None:
            return False
        scope = self._project.scope_of(call)
        if self._project.session_kind(value, scope) is not None:
            return True
        function = self._project.function_of(call)
        is_parameter = isinstance(value, s.Name) and any(
            param.name == value.id for param in function.params
        )
        return is_parameter and any(
            map(self._project.passes_session, self._project.callers(function))
        )


def _is_made(value: object) -> bool:
    """Whether `value` is `ContextVar(...)`, or `ContextVar[Session](...)`."""
    if not isinstance(value, s.Call):
        return False
    func = value.func.value if isinstance(value.func, s.Subscript) else value.func
    return last_name(func) == "ContextVar"
