"""Whose objects a session may have when a function commits: what is in somebody's hands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function, ValueBinding
from migrate_async.index.types import DictOf, Instance, ListOf, ResultOf, RowOf, TupleOf, Types
from migrate_async.knowledge.sqlalchemy import EAGER
from migrate_async.model import syntax as s

_MAX_DEPTH = 4


class Held:
    """Answers for one project: the classes of the objects, and of what hangs on them."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._around: dict[Function, frozenset[Class]] = {}

    def at(self, function: Function, node: s.Expr | s.Stmt, refreshed: Iterable[str]) -> set[Class]:
        """What is held where `node` of `function` runs, apart from the names in `refreshed`."""
        left_out = frozenset(refreshed)
        own = {
            cls
            for name in function.scope.names
            if name not in left_out and not self._comes_later(function, name, node)
            for cls in self._named(function, name)
        }
        return self._reached(own | self._outside(function))

    def reached(self, classes: Iterable[Class]) -> set[Class]:
        """`classes`, and those of what is loaded with, or read from, their objects."""
        return self._reached(set(classes))

    # --- functions around ----------------------------------------------------------------------

    def _outside(self, function: Function) -> frozenset[Class]:
        """What callers and FastAPI hold while `function` runs."""
        if function not in self._around:
            self._around[function] = frozenset()
            self._around[function] = frozenset(self._find_outside(function))
        return self._around[function]

    def _find_outside(self, function: Function) -> Iterator[Class]:
        for dependency in self._project.route_dependencies.get(function, ()):
            yield from self.of_types(self._project.returns(dependency))
        for site in (*self._project.callers(function), *self._project.bridges_to(function)):
            caller = site.function
            if caller.is_module or caller.module.is_test:
                continue
            yield from self._outside(caller)
            for name in caller.scope.names:
                if not self._comes_later(caller, name, site.node):
                    yield from self._named(caller, name)

    def _named(self, function: Function, name: str) -> Iterator[Class]:
        if function.node is not None:
            node = s.Name(*function.node.span, name)
            yield from self.of_types(self._project.infer(node, function.scope))

    def _comes_later(self, function: Function, name: str, node: s.Expr | s.Stmt) -> bool:
        """Whether `name` gets its values below `node` only, with no loop that leads back."""
        bindings = function.scope.names[name]
        if any(True for _ in loops_around(self._project, node)):
            return False
        return all(
            isinstance(binding, ValueBinding) and binding.value.span[:2] >= node.span[:2]
            for binding in bindings
        )

    # --- classes -------------------------------------------------------------------------------

    def of_types(self, types: Types, depth: int = 0) -> Iterator[Class]:
        """The models of the objects that `types` are or hold, lists in lists, too."""
        for item in types if depth < _MAX_DEPTH else ():
            if isinstance(item, Instance) and item.cls.qualname in self._project.models:
                yield item.cls
            elif isinstance(item, ListOf):
                yield from self.of_types(item.items, depth + 1)
            elif isinstance(item, DictOf):
                yield from self.of_types(item.values, depth + 1)
            elif isinstance(item, TupleOf):
                for part in item.items:
                    yield from self.of_types(part, depth + 1)
            elif isinstance(item, RowOf | ResultOf):
                yield from (entity.model for entity in item.entities if entity.model is not None)

    def _reached(self, classes: set[Class]) -> set[Class]:
        found: set[Class] = set()
        pending = list(classes)
        while pending:
            cls = pending.pop()
            if cls in found:
                continue
            found.add(cls)
            model = self._project.models.get(cls.qualname)
            for name, relationship in model.relationships.items() if model is not None else ():
                is_read = relationship.lazy in EAGER or name in self._attributes
                if is_read and relationship.target is not None:
                    pending.append(relationship.target)
        return found

    @cached_property
    def _attributes(self) -> frozenset[str]:
        """The attributes that the application reads of anything."""
        return frozenset(
            node.attr
            for function in self._project.functions
            if not function.module.is_test
            for node in function.own_attributes
        )


def loops_around(project: Project, node: s.AnyNode) -> Iterator[s.For | s.While | s.Comprehension]:
    """The loops and comprehensions of its function that `node` is in."""
    current: s.AnyNode | s.ModuleSyntax = project.parent(node)
    while not isinstance(current, s.FunctionDef | s.Lambda | s.ModuleSyntax):
        if isinstance(current, s.For | s.While | s.Comprehension):
            yield current
        current = project.parent(current)
