"""Functions that a fixture makes for tests, which do nothing with them but to call them.

    @pytest.fixture
    def make_user(session):
        def make(name):
            ...

        return make

    def test_users(make_user):
        make_user("ann")

Tests and fixtures can await. So `make` may become a coroutine function, with all that call it.
"""

from __future__ import annotations

from functools import cached_property

from migrate_async.index import scopes as sc
from migrate_async.index.callgraph import CallGraph
from migrate_async.index.infer import Inference
from migrate_async.index.sites import ValueUse
from migrate_async.model import syntax as s

_FIXTURE = "fixture"
_BY_NAME = "getfixturevalue"


class FactoryFixtures:
    """Answers for one project."""

    def __init__(self, inference: Inference, graph: CallGraph) -> None:
        self._inference = inference
        self._graph = graph
        self._known: dict[sc.Function, bool] = {}

    def is_called_by_tests(self, use: ValueUse) -> bool:
        """Whether `use` is what a fixture gives, and those who get it call it, and no more."""
        fixture = use.function
        if _FIXTURE not in fixture.decorator_names:
            return False
        if not isinstance(self._graph.parent(use.node), s.Return | s.Yield):
            return False
        if fixture not in self._known:
            self._known[fixture] = self._is_only_called(fixture)
        return self._known[fixture]

    def _is_only_called(self, fixture: sc.Function) -> bool:
        users = self._users.get(fixture, ())
        return bool(users) and all(self._only_calls(name, user) for name, user in users)

    @cached_property
    def _users(self) -> dict[sc.Function, list[tuple[str, sc.Function]]]:
        """By fixture: what tests and fixtures call it, and who these are."""
        found: dict[sc.Function, list[tuple[str, sc.Function]]] = {}
        for user in self._inference.symbols.functions:
            if user.is_test or _FIXTURE in user.decorator_names:
                for param in user.params:
                    fixture = self._inference.parameters.fixture(param.name, user)
                    if fixture is not None:
                        found.setdefault(fixture, []).append((param.name, user))
        return found

    @cached_property
    def _inner(self) -> dict[sc.Function, list[sc.Function]]:
        """What is inside of each function of a suite."""
        found: dict[sc.Function, list[sc.Function]] = {}
        for function in self._inference.symbols.functions:
            for outer in function.around if function.module.is_test else ():
                found.setdefault(outer, []).append(function)
        return found

    def _only_calls(self, name: str, user: sc.Function) -> bool:
        functions = (user, *self._inner.get(user, ()))
        if any(self._asks_by_name(function) for function in functions):
            return False
        nodes = [use.node for function in functions for use in function.references]
        return not any(isinstance(node, s.Name) and node.id == name for node in nodes)

    @staticmethod
    def _asks_by_name(function: sc.Function) -> bool:
        return any(sc.last_name(call.node.func) == _BY_NAME for call in function.calls)
