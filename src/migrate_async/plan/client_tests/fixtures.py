"""pytest's fixtures: which one a parameter of a test or fixture is."""

from __future__ import annotations

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.types import FunctionObject
from migrate_async.model import syntax as s
from migrate_async.plan.paths import is_test_path
from migrate_async.plan.pytest_support import is_fixture

_CONFTEST = "conftest.py"


class Fixtures:
    """The fixtures of a project's test modules, by name."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._named: dict[str, list[Function]] = {}
        for function in project.functions:
            if is_test_path(function.module.path) and is_fixture(function):
                self._named.setdefault(_name(function), []).append(function)

    def of_parameter(self, function: Function, name: str) -> Function | None:
        """The fixture that pytest gives `function` for its parameter `name`: the nearest one."""
        found = [
            (distance, fixture)
            for fixture in self._named.get(name, ())
            if fixture is not function
            for distance in (self._distance(function, fixture),)
            if distance is not None
        ]
        return min(found, key=lambda pair: pair[0])[1] if found else None

    def _distance(self, function: Function, fixture: Function) -> int | None:
        """How far away `fixture` is defined; None: pytest does not see it from there."""
        here, there = function.module.path, fixture.module.path
        if here == there:
            return 0
        if self._imports(function, fixture):
            return 1
        folder, _, name = there.rpartition("/")
        inside = not folder or here.startswith(f"{folder}/")
        return 2 + here.count("/") - there.count("/") if name == _CONFTEST and inside else None

    def _imports(self, function: Function, fixture: Function) -> bool:
        if fixture.name not in function.module.scope.names:
            return False
        name = s.Name(1, 0, 1, 0, fixture.name)
        types = self._project.infer(name, function.module.scope)
        return any(isinstance(item, FunctionObject) and item.fn is fixture for item in types)


def _name(fixture: Function) -> str:
    """What tests call it: `@pytest.fixture(name="client")` may say so."""
    decorators = fixture.node.decorators if isinstance(fixture.node, s.FunctionDef) else ()
    for decorator in decorators:
        for keyword in decorator.keywords if isinstance(decorator, s.Call) else ():
            if keyword.arg == "name" and isinstance(keyword.value, s.Constant):
                return str(keyword.value.value)
    return fixture.name
