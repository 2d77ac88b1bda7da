"""Where the session that a function works on comes from: up through callers and attributes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from migrate_async.index.project import Project
from migrate_async.index.scopes import (
    AnnotatedBinding,
    Function,
    ValueBinding,
    WithBinding,
)
from migrate_async.index.types import SessionFactory
from migrate_async.model import syntax as s
from migrate_async.plan.colouring.handed_sessions import HandedSessions
from migrate_async.plan.references import names_below


class Root(NamedTuple):
    """The names in `holder` that say where a session comes from.

    `opens`: they are the factory that it asks. `is_clear`: FastAPI gives it, by one of them; by
    none, nobody is known to give one.
    """

    holder: Function
    nodes: tuple[s.Name | s.Attribute, ...]
    opens: bool = False
    is_clear: bool = False


class SessionRoots:
    """Follows sessions to those who open them, or have FastAPI give them."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._handed = project.shared(HandedSessions)

    def of(self, function: Function, session: s.Expr) -> tuple[Root, ...]:
        """The roots of `session` in `function`; what cannot be followed is a root itself."""
        return tuple(self._follow(function, session, set()))

    def _follow(
        self, function: Function, expr: s.Expr, seen: set[tuple[Function, str]]
    ) -> Iterator[Root]:
        name = s.dotted_name(expr)
        if (function, name) in seen:
            return
        seen.add((function, name))
        found = [
            *self._given(function, name, seen),
            *self._opened(function, expr),
            *self._kept(function, expr, seen),
        ]
        if not found and isinstance(expr, s.Name | s.Attribute):
            found = [Root(function, (expr,))]
        yield from found

    def _given(
        self, function: Function, name: str, seen: set[tuple[Function, str]]
    ) -> Iterator[Root]:
        """From a parameter to what FastAPI and the callers give for it."""
        param = next((param for param in function.params if param.name == name), None)
        if param is None:
            return
        values = [value for value in (param.default, param.annotation) if value is not None]
        if isinstance(param.default, s.Call) or _is_injected(self._project, function):
            nodes = tuple(node for value in values for node in names_below(value))
            yield Root(function, nodes, is_clear=True)
        elif not self._project.callers(function) and not self._project.value_uses(function):
            yield Root(function, (), is_clear=True)
        for place in self._handed.of(function):
            for value in place.values:
                yield from self._follow(place.host, value, seen)
        for site in self._project.callers(function):
            if isinstance(site.node, s.Call):
                for target, taken, value in self._project.passes(site.node, site.scope):
                    if target is function and taken.name == name:
                        yield from self._follow(site.function, value, seen)

    def _opened(self, function: Function, expr: s.Expr) -> Iterator[Root]:
        """From a variable to the factory whose session it is."""
        if not isinstance(expr, s.Name):
            return
        for binding in function.scope.names.get(expr.id, ()):
            value = binding.value if isinstance(binding, _BINDINGS) else None
            if isinstance(value, s.Call) and isinstance(value.func, s.Name | s.Attribute):
                types = self._project.infer(value.func, function.scope)
                if any(isinstance(item, SessionFactory) for item in types):
                    yield Root(function, (value.func,), opens=True)

    def _kept(
        self, function: Function, expr: s.Expr, seen: set[tuple[Function, str]]
    ) -> Iterator[Root]:
        """From `self.db` to what a method put there."""
        if not isinstance(expr, s.Attribute) or function.cls is None:
            return
        if s.dotted_name(expr.value) != function.self_name:
            return
        for cls in self._project.mro(function.cls):
            for binding in cls.instance.get(expr.attr, ()):
                if isinstance(binding, ValueBinding):
                    yield from self._follow(binding.scope.function, binding.value, seen)


def _is_injected(project: Project, function: Function) -> bool:
    """Whether FastAPI calls `function`."""
    uses = project.value_uses(function)
    is_dependency = any(site.kind == "dependency" for site in project.callers(function))
    return function.is_route or is_dependency or any(use.is_injected for use in uses)


_BINDINGS = (ValueBinding, AnnotatedBinding, WithBinding)
