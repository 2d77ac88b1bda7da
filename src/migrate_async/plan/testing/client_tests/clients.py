"""Which names of a test suite hold a `TestClient`."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Module
from migrate_async.index.types import External
from migrate_async.model import syntax as s
from migrate_async.plan.testing.pytest_support import is_fixture

_CLASSES = frozenset({"fastapi.testclient.TestClient", "starlette.testclient.TestClient"})


class Clients:
    """Finds them by following assignments, fixtures and arguments to a fix-point."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self.functions = [f for f in project.functions if f.module.is_test]
        self._names: dict[Function, set[str]] = {function: set() for function in self.functions}
        self._giving: set[Function] = set()
        changes = True
        while changes:
            learned = [self._learn(function) for function in self.functions]
            changes = any(learned)

    def is_class(self, node: s.Expr) -> bool:
        """Whether `node` names the class."""
        if not isinstance(node, s.Name | s.Attribute):
            return False
        types = self._project.infer(node, self._project.scope_of(node))
        return any(isinstance(item, External) and item.dotted in _CLASSES for item in types)

    def is_client(self, node: s.AnyNode, function: Function) -> bool:
        """Whether `node`, an expression in `function`, is a client."""
        if isinstance(node, s.Name):
            return self._holds(node.id, function)
        return isinstance(node, s.Call) and self.is_class(node.func)

    # --- learning ------------------------------------------------------------------------------

    def _holds(self, name: str, function: Function | None) -> bool:
        while function is not None:
            if name in self._names.get(function, ()):
                return True
            if not function.is_module and name in function.scope.names:
                return False
            if function.is_module:
                return self._is_imported(name, function.module)
            function = function.parent
        return False

    def _is_imported(self, name: str, module: Module) -> bool:
        """Whether `name` is the variable of another module, however it was imported."""
        targets = self._project.names.lookup(name, module.scope)
        return any(
            target in other.module.scope.names.get(found, ())
            for other, names in self._names.items()
            if other.is_module and names and other.module is not module
            for found in names
            for target in targets
        )

    def _learn(self, function: Function) -> bool:
        """Whether something new is known about `function` or what it calls."""
        names = self._names[function]
        before = len(names), len(self._giving)
        names.update(self._parameters(function))
        names.update(self._assigned(function))
        if is_fixture(function) and self._gives(function):
            self._giving.add(function)
        handed = self._hand_on(function)
        return handed or before != (len(names), len(self._giving))

    def _parameters(self, function: Function) -> Iterator[str]:
        for param in function.params:
            if param.annotation is not None and any(
                isinstance(node, s.Name | s.Attribute) and self.is_class(node)
                for node in s.walk(param.annotation)
            ):
                yield param.name
            elif function.is_test or is_fixture(function):
                fixture = self._project.fixture(param.name, function)
                if fixture in self._giving:
                    yield param.name

    def _assigned(self, function: Function) -> Iterator[str]:
        for node in own_nodes(function):
            if isinstance(node, s.Assign) and self.is_client(node.value, function):
                yield from (t.id for t in node.targets if isinstance(t, s.Name))
            elif isinstance(node, s.AnnotatedAssign) and isinstance(node.target, s.Name):
                if node.value is not None and self.is_client(node.value, function):
                    yield node.target.id
            elif isinstance(node, s.With):
                for item in node.items:
                    if isinstance(item.target, s.Name) and self.is_client(item.context, function):
                        yield item.target.id

    def _gives(self, fixture: Function) -> bool:
        return any(value is not None and self.is_client(value, fixture) for value in fixture.given)

    def _hand_on(self, function: Function) -> bool:
        """Learn what the functions that are given a client call it."""
        found = False
        for site in self._project.calls(function):
            if not isinstance(site.node, s.Call) or site.kind != "call":
                continue
            for target, param, value in self._project.passes(site.node, site.scope):
                names = self._names.get(target)
                if names is None or param.name in names or not self.is_client(value, function):
                    continue
                names.add(param.name)
                found = True
        return found


def own_nodes(function: Function) -> Iterator[s.AnyNode]:
    """The nodes that run when `function` does; of a module, those at its top level."""
    if function.node is None:
        for statement in function.module.syntax.body:
            yield from s.own_code(statement)
        return
    if isinstance(function.node, s.Lambda):
        yield from s.own_code(function.node.body)
        return
    for statement in function.node.body:
        yield from s.own_code(statement)
