"""Session factories that a function makes and hands out: no sync one can stand beside them."""

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

    def used_by(self, function: Function, replaced: Container[s.Span]) -> Iterator[s.Name]:
        """Where `function` opens a session with one, apart from the names in `replaced`."""
        if not self._are_some or is_test_path(function.module.path):
            return
        for call in function.calls:
            func = call.node.func
            if not isinstance(func, s.Name) or func.span in replaced:
                continue
            types = self._project.infer(func, call.scope)
            is_one = any(isinstance(item, SessionFactory) and not item.is_async for item in types)
            if is_one and not _is_local(func.id, call.scope):
                yield func

    @cached_property
    def _are_some(self) -> bool:
        return any(
            factory.scope.kind != "module" and self._becomes_async(factory)
            for factory in self._project.session_factories
            if factory.kind == "sessionmaker"
        )


def _is_local(name: str, scope: Scope) -> bool:
    """Whether the function of `scope` binds `name` itself."""
    current: Scope | None = scope
    while current is not None and current.function is scope.function:
        if current.kind != "module" and name in current.names:
            return True
        current = current.parent
    return False
