"""What the name in `getattr(x, name)` may be: one of the relationships, in some way or other.

for rel in inspect(type(obj)).relationships:
    data[rel.key] = getattr(obj, rel.key)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from migrate_async.index.project import Project
from migrate_async.index.scopes import (
    ElementBinding,
    Function,
    IterationBinding,
    ParameterBinding,
    Scope,
    ValueBinding,
    bindings_of,
)
from migrate_async.index.types import ClassObject, Instance
from migrate_async.model import syntax as s
from migrate_async.plan.loops_over_attributes import COLUMNS

_MAX_STEPS = 6
_KEYS = frozenset({"key", "name"})
_LISTS = frozenset({"items", "keys", "values"})
_COPIES = frozenset({"frozenset", "list", "reversed", "set", "sorted", "tuple"})
_MAPPING = frozenset({"all_orm_descriptors", "attrs", "iterate_properties", "relationships"})
"""What a mapper gives of a class that has its relationships in it, be it beside columns."""


class Names(NamedTuple):
    """The constants that a name may be, and whether it comes from the relationships of a mapper.

    `is_known`: it comes from there, from the columns, or from a list that can be read.
    """

    constants: frozenset[str] = frozenset()
    of_mapping: bool = False
    is_known: bool = True


_NOTHING = Names(is_known=False)


class AttributeNames:
    """Answers for one project."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def of(self, name: s.Expr, scope: Scope) -> Names:
        """What `name` may be, as far as that can be seen."""
        return _union(self._names(name, scope, _MAX_STEPS))

    # --- one name ------------------------------------------------------------------------------

    def _names(self, name: s.Expr, scope: Scope, steps: int) -> Iterator[Names]:
        """What one name may be: a constant, a variable of a loop, a parameter."""
        if isinstance(name, s.Constant):
            yield Names(frozenset({str(name.value)}))
        if isinstance(name, s.Attribute) and name.attr in _KEYS:
            name = name.value
        if not isinstance(name, s.Name) or not steps:
            return
        for binding in bindings_of(name.id, scope):
            around = binding.source if isinstance(binding, ElementBinding) else binding
            if isinstance(around, IterationBinding):
                yield from self._each(around.value, scope, steps - 1)
            elif isinstance(binding, ValueBinding):
                yield from self._names(binding.value, scope, steps - 1)
            elif isinstance(binding, ParameterBinding):
                for value, given in self._given(binding):
                    yield from self._names(value, given, steps - 1)

    # --- all of a list -------------------------------------------------------------------------

    def _each(self, over: s.Expr, scope: Scope, steps: int) -> Iterator[Names]:
        """What each of `over` may be."""
        if not steps:
            return
        if isinstance(over, s.Sequence):
            yield Names()
            for item in over.items:
                yield from self._names(item, scope, steps - 1)
        elif isinstance(over, s.Comprehension):
            element = over.elements[0]
            yield from self._names(element, self._project.scope_of(element), steps - 1)
        elif isinstance(over, s.Attribute):
            yield from self._attribute(over, scope, steps)
        elif isinstance(over, s.Call):
            yield from self._call(over, scope, steps)
        elif isinstance(over, s.Name):
            yield from self._variable(over, scope, steps)

    def _attribute(self, over: s.Attribute, scope: Scope, steps: int) -> Iterator[Names]:
        if over.attr in _MAPPING:
            if not self._is_own(over, scope):
                yield Names(of_mapping=True)
            return
        if over.attr in COLUMNS:
            yield Names()
        for site in self._project.calls(scope.function):
            if site.node is over and site.kind == "property":
                yield from self._returned(site.targets, steps)
        for value in self._of_class(over, scope):
            yield from self._each(value, self._project.scope_of(value), steps - 1)

    def _of_class(self, over: s.Attribute, scope: Scope) -> Iterator[s.Expr]:
        """What classes say of an attribute of theirs: `shown = ["id", "name"]`."""
        for item in self._project.infer(over.value, scope):
            if not isinstance(item, Instance | ClassObject):
                continue
            for cls in (*self._project.mro(item.cls), *self._project.subclasses(item.cls)):
                for binding in cls.scope.names.get(over.attr, ()):
                    if isinstance(binding, ValueBinding):
                        yield binding.value

    def _is_own(self, over: s.Attribute, scope: Scope) -> bool:
        """Whether a class of the project has an attribute of that name: no mapper is meant."""
        types = self._project.infer(over.value, scope)
        return any(isinstance(item, Instance) for item in types)

    def _call(self, over: s.Call, scope: Scope, steps: int) -> Iterator[Names]:
        func = over.func
        if isinstance(func, s.Attribute) and func.attr in _LISTS and not over.args:
            yield from self._each(func.value, scope, steps - 1)
        elif isinstance(func, s.Name) and func.id in _COPIES:
            for value in over.args[:1]:
                yield from self._each(value, scope, steps - 1)
        for site in self._project.calls(scope.function):
            if site.node is over and site.kind == "call":
                yield from self._returned(site.targets, steps)

    def _returned(self, functions: Iterable[Function], steps: int) -> Iterator[Names]:
        for function in functions:
            for value in function.returns:
                yield from self._each(value, self._project.scope_of(value), steps - 1)

    def _variable(self, over: s.Name, scope: Scope, steps: int) -> Iterator[Names]:
        for binding in bindings_of(over.id, scope):
            if isinstance(binding, ValueBinding):
                yield from self._each(binding.value, scope, steps - 1)
            elif isinstance(binding, ParameterBinding):
                for value, given in self._given(binding):
                    yield from self._each(value, given, steps - 1)

    def _given(self, binding: ParameterBinding) -> Iterator[tuple[s.Expr, Scope]]:
        """What calls of its function give for a parameter."""
        for site in self._project.callers(binding.function):
            if not isinstance(site.node, s.Call):
                continue
            for function, parameter, value in self._project.passes(site.node, site.scope):
                if function is binding.function and parameter is binding.parameter:
                    yield value, site.scope


def _union(found: Iterable[Names]) -> Names:
    result = _NOTHING
    for names in found:
        result = Names(
            result.constants | names.constants,
            result.of_mapping or names.of_mapping,
            result.is_known or names.is_known,
        )
    return result
