"""Functions that a test gives a mock in the place of an engine or a connection.

    def init(db_engine: Engine): ...        def test_init(): init(MagicMock())

A sync session takes any answer of the mock for a row. An async one asks what kind of cursor it has
got, and refuses; nobody can tell what the mock would have to say. The function stays sync.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Scope
from migrate_async.index.sites import CallSite
from migrate_async.model import syntax as s
from migrate_async.model.plan import Reason
from migrate_async.plan.testing.stand_ins import is_mock

_CODE = "mocked-engine"


class MockedEngines:
    """Those of a project."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def reason(self, function: Function) -> Reason | None:
        """Why `function` stays sync, if a test does so."""
        if function.module.is_test or not self._takes_engine(function):
            return None
        for site in (*self._project.callers(function), *self._project.bridges_to(function)):
            name = self._mocked_at(site, function) if site.function.module.is_test else ""
            if name:
                path, line = site.function.module.path, site.node.line
                text = f"{path}:{line} gives it a mock in the place of {name}"
                return Reason(_CODE, text, path, line)
        return None

    def _mocked_at(self, site: CallSite, function: Function) -> str:
        """The parameter of `function` that gets a mock at `site`."""
        call = self._project.bridged(site.node) or site.node
        for target, param, value in self._passes(call, site.scope):
            is_engine = target is function and self._is_engine(function, param.name)
            if is_engine and is_mock(self._project, value):
                return param.name
        return ""

    def _passes(
        self, call: s.AnyNode, scope: Scope
    ) -> Iterator[tuple[Function, s.Parameter, s.Expr]]:
        if isinstance(call, s.Call):
            yield from self._project.passes(call, scope)

    def _takes_engine(self, function: Function) -> bool:
        return any(self._is_engine(function, param.name) for param in function.params)

    def _is_engine(self, function: Function, name: str) -> bool:
        node = function.node
        if node is None:
            return False
        kind = self._project.engine_or_connection(s.Name(*node.span, name), function.scope)
        return kind in ("engine", "connection")
