"""Code that follows a relationship of a class to itself as far as it leads: trees, chains.

No loader option reaches that far. A function that does it runs SQL as it goes: it becomes a
coroutine that awaits each level, or stays on the sync session.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from migrate_async.index.project import Project, Relationship
from migrate_async.index.scopes import Class, Function
from migrate_async.index.types import Instance
from migrate_async.knowledge.sqlalchemy import EAGER, ON_ACCESS
from migrate_async.model import syntax as s

_LOADED = ON_ACCESS | EAGER
"""What the mapping loads, too: of objects to their own kind, that is some levels deep."""


class Endless:
    """Answers for one project."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def read(self, function: Function) -> s.Attribute | None:
        """The first read of a relationship that `function`, or a loop in it, comes back to."""
        if function.node is None or self._names.isdisjoint(function.module.attributes):
            return None
        if any(function in site.targets for site in self._project.calls(function)):
            return next(self._reads(function.node), None)
        for loop in function.nodes(s.While):
            for node in self._reads(loop):
                if self._goes_on(node):
                    return node
        return None

    def _reads(self, around: s.AnyNode) -> Iterator[s.Attribute]:
        for node in s.walk(around):
            if isinstance(node, s.Attribute) and node.attr in self._names and self._loads(node):
                yield node

    def _loads(self, node: s.Attribute) -> bool:
        """Whether `node` loads a relationship of an object to its own kind, without `await`."""
        if isinstance(node.value, s.Attribute) and node.value.attr == "awaitable_attrs":
            return False
        for item in self._project.infer(node.value, self._project.scope_of(node)):
            model = (
                self._project.models.get(item.cls.qualname) if isinstance(item, Instance) else None
            )
            relationship = model.relationships.get(node.attr) if model is not None else None
            if model is not None and relationship is not None:
                return relationship.lazy in _LOADED and self._is_own(model.cls, relationship)
        return False

    def _goes_on(self, node: s.Attribute) -> bool:
        """Whether `node` is the value of `x = x.parent`."""
        statement = self._project.parent(node)
        return (
            isinstance(statement, s.Assign)
            and isinstance(node.value, s.Name)
            and any(
                isinstance(target, s.Name) and target.id == node.value.id
                for target in statement.targets
            )
        )

    def _is_own(self, model: Class, relationship: Relationship) -> bool:
        target = relationship.target
        return target is not None and self._project.overlap(target, model)

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(
            name
            for model in self._project.models.values()
            for name, relationship in model.relationships.items()
            if self._is_own(model.cls, relationship)
        )
