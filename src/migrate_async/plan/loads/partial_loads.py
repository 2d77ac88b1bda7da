"""Columns that queries leave out: `load_only(User.name)`, `defer(User.note)`.

The next read of one loads it, as that of a column which the mapping defers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function
from migrate_async.index.types import ClassObject
from migrate_async.model import syntax as s

_OPTIONS = frozenset({"defer", "load_only"})

Left = Mapping[Class, frozenset[str]]
"""The columns that objects of models may lack."""


class PartialLoads:
    """Answers for one project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._known: dict[Function, Left] = {}

    def of(self, function: Function) -> Left:
        """What objects in `function` may lack, by its own queries or those of what it calls."""
        if not self._are_some:
            return {}
        if function not in self._known:
            self._known[function] = {}
            found: dict[Class, frozenset[str]] = {}
            for left in (self._own(function), *self._inner(function)):
                for model, names in left.items():
                    found[model] = found.get(model, frozenset()) | names
            self._known[function] = found
        return self._known[function]

    @cached_property
    def _are_some(self) -> bool:
        return any(
            call.name in _OPTIONS for function in self._project.functions for call in function.calls
        )

    def _inner(self, function: Function) -> Iterator[Left]:
        """Those of what it calls, and of the function that it stands in."""
        if function.parent is not None and not function.parent.is_module:
            yield self.of(function.parent)
        yield from map(self.of, self._project.runs(function))

    def _own(self, function: Function) -> Left:
        found: dict[Class, frozenset[str]] = {}
        for call in function.calls:
            if call.name not in _OPTIONS:
                continue
            given = [(model, name) for arg in call.node.args for model, name in self._columns(arg)]
            for model in dict.fromkeys(model for model, _ in given):
                names = frozenset(name for other, name in given if other is model)
                if call.name == "load_only":
                    names = self._others(model, names)
                found[model] = found.get(model, frozenset()) | names
        return found

    def _columns(self, node: s.Expr) -> Iterator[tuple[Class, str]]:
        if not isinstance(node, s.Attribute):
            return
        for item in self._project.infer(node.value, self._project.scope_of(node)):
            if isinstance(item, ClassObject) and item.cls.qualname in self._project.models:
                yield item.cls, node.attr

    def _others(self, model: Class, names: frozenset[str]) -> frozenset[str]:
        mapped = self._project.models[model.qualname]
        return (mapped.expressions | mapped.columns.keys()) - names - {*mapped.primary_key}
