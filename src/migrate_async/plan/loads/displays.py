"""Dicts that functions of the project answer with, as the code that calls them sees them.

`return Answers.created(book)` is `{"message": ..., "data": book}` two functions further on. What
each caller put into such a helper is not what the others did: items are led back to arguments.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from migrate_async.index.project import Project
from migrate_async.index.scopes import (
    AnnotatedBinding,
    Function,
    ParameterBinding,
    Scope,
    ValueBinding,
    bindings_of,
)
from migrate_async.index.types import FunctionObject
from migrate_async.model import syntax as s

_MAX_CALLS = 6


@dataclass(frozen=True)
class Value:
    """`node`, read in `scope`, in the code of `function`."""

    node: s.Expr
    scope: Scope
    function: Function


@dataclass(frozen=True)
class Item:
    """What a dict has under `key`."""

    key: str
    value: Value


_Arguments = Mapping[tuple[Function, str], Value]


class Displays:
    """Follows calls to the dict displays that they give."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def of(self, value: Value) -> list[Item]:
        """The items of the dicts that the call `value` gives; none for a dict made right here."""
        if isinstance(value.node, s.Mapping):
            return []
        return list(self._items(value, {}, 0))

    def is_nothing(self, value: Value) -> bool:
        """Whether `value` is a call of functions that return nothing: they raise, for example."""
        node = value.node.value if isinstance(value.node, s.Await) else value.node
        if not isinstance(node, s.Call):
            return False
        types = self._project.infer(node.func, value.scope)
        functions = [item.fn for item in types if isinstance(item, FunctionObject)]
        return (
            bool(functions)
            and len(functions) == len(types)
            and not any(map(self._may_return, functions))
        )

    def _may_return(self, function: Function) -> bool:
        is_overridden = len(self._project.family(function)) > 1
        return bool(function.returns) or function.is_generator or is_overridden

    def _items(self, value: Value, given: _Arguments, calls: int) -> Iterator[Item]:
        node = value.node
        if isinstance(node, s.Await):
            yield from self._items(Value(node.value, value.scope, value.function), given, calls)
        elif isinstance(node, s.Mapping):
            for key, item in zip(node.keys, node.values, strict=True):
                if isinstance(key, s.Constant):
                    inner = Value(item, value.scope, value.function)
                    yield Item(str(key.value), self._argument(inner, given))
        elif isinstance(node, s.Name):
            bindings = bindings_of(node.id, value.scope)
            if len(bindings) == 1 and isinstance(bindings[0], ValueBinding | AnnotatedBinding):
                bound = bindings[0].value
                if bound is not None:
                    whole = Value(bound, bindings[0].scope, value.function)
                    yield from self._items(whole, given, calls)
        elif isinstance(node, s.Call) and calls < _MAX_CALLS:
            yield from self._of_call(node, value, given, calls + 1)

    def _of_call(self, call: s.Call, value: Value, given: _Arguments, calls: int) -> Iterator[Item]:
        arguments = {
            (target, parameter.name): self._argument(
                Value(argument, value.scope, value.function), given
            )
            for target, parameter, argument in self._project.passes(call, value.scope)
        }
        for site in self._project.calls(value.function):
            if site.node is not call or site.kind != "call":
                continue
            for target in site.targets:
                for node in target.returns:
                    returned = Value(node, self._project.scope_of(node), target)
                    yield from self._items(returned, arguments, calls)

    def _argument(self, value: Value, given: _Arguments) -> Value:
        """What was passed for `value`, if that is a parameter; `value` if nobody knows."""
        if not isinstance(value.node, s.Name):
            return value
        bindings = bindings_of(value.node.id, value.scope)
        if len(bindings) != 1 or not isinstance(bindings[0], ParameterBinding):
            return value
        return given.get((bindings[0].function, value.node.id), value)
