"""Session factories that no sync one can stand beside.

Those that a function makes and hands out, and those that the application keeps in its state.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from functools import cached_property

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Scope
from migrate_async.index.sessions import Variable
from migrate_async.index.types import SessionFactory
from migrate_async.model import syntax as s
from migrate_async.plan.paths import is_test_path


class MadeFactories:
    """Answers for one run; `becomes_async` says which factories do."""

    def __init__(self, project: Project, becomes_async: Callable[[Variable], bool]) -> None:
        self._project = project
        self._becomes_async = becomes_async

    def used_by(
        self, function: Function, replaced: Container[s.Span]
    ) -> Iterator[s.Name | s.Attribute]:
        """Where `function` opens a session with one, apart from the names in `replaced`."""
        if not self._become_async or is_test_path(function.module.path):
            return
        for call in function.calls:
            func = call.node.func
            if not isinstance(func, s.Name | s.Attribute) or func.span in replaced:
                continue
            if self._is_out_of_reach(func, call.scope) and self._makes_sync(func, call.scope):
                yield func

    def _is_out_of_reach(self, func: s.Name | s.Attribute, scope: Scope) -> bool:
        if isinstance(func, s.Name):
            return self._are_made and not _is_local(func.id, scope)
        return isinstance(func.value, s.Attribute) and func.value.attr == "state"

    def _makes_sync(self, func: s.Expr, scope: Scope) -> bool:
        types = self._project.infer(func, scope)
        return any(isinstance(item, SessionFactory) and not item.is_async for item in types)

    @cached_property
    def _become_async(self) -> tuple[Variable, ...]:
        factories = self._project.session_factories
        return tuple(f for f in factories if f.kind == "sessionmaker" and self._becomes_async(f))

    @property
    def _are_made(self) -> bool:
        return any(factory.scope.kind != "module" for factory in self._become_async)


def _is_local(name: str, scope: Scope) -> bool:
    """Whether the function of `scope` binds `name` itself."""
    current: Scope | None = scope
    while current is not None and current.function is scope.function:
        if current.kind != "module" and name in current.names:
            return True
        current = current.parent
    return False
