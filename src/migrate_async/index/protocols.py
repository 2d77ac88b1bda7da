"""What syntax gets out of a value: iteration, `with`, `[...]`, `Depends`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from migrate_async.index import providers
from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.classes import subscript_items
from migrate_async.index.types import UNKNOWN, Type, Types
from migrate_async.knowledge import sqlalchemy
from migrate_async.model import syntax as s

if TYPE_CHECKING:
    from migrate_async.index.infer import Inference

_ENTERED = {
    sqlalchemy.ENGINE: t.ExternalInstance(sqlalchemy.CONNECTION),
    sqlalchemy.ASYNC_ENGINE: t.ExternalInstance(sqlalchemy.ASYNC_CONNECTION),
}


class Protocols:
    def __init__(self, inference: Inference) -> None:
        self._inference = inference
        self._elements: dict[type, Callable[[Any], Types]] = {
            t.ListOf: lambda item: item.items,
            t.QueryOf: lambda item: t.entity_rows(item.entities),
            t.ResultOf: t.result_rows,
            t.DictOf: lambda item: item.keys,
            t.TupleOf: lambda item: t.union(item.items),
            t.RowOf: lambda item: t.union(t.parts(item)),
            t.Instance: self._iterated,
        }
        self._entered: dict[type, Callable[[Any], Types]] = {
            t.ContextOf: lambda item: item.value,
            t.ListOf: lambda item: item.items,
            t.Instance: self._entered_instance,
            t.ExternalInstance: lambda item: t.of(_ENTERED.get(item.dotted, item)),
        }
        self._indexed: dict[type, Callable[[Any, s.Subscript, sc.Scope], Types]] = {
            t.ClassObject: self._parametrised,
            t.External: self._external,
            t.DictOf: lambda item, node, _: _looked_up(item, node),
            t.QueryOf: lambda item, node, _: _picked(t.entity_rows(item.entities), node),
            t.ListOf: lambda item, node, _: _picked(item.items, node),
            t.TupleOf: lambda item, node, _: _placed(item, node),
            t.RowOf: lambda item, node, _: _placed(item, node),
            t.Instance: lambda item, _node, _scope: self.called_member(item, "__getitem__"),
        }

    def elements(self, types: Types) -> Types:
        """What iterating over a value of `types` gives."""
        found: set[Type] = set()
        for item in t.ordered(types):
            handler = self._elements.get(type(item))
            if handler is not None:
                found |= handler(item)
        return frozenset(found)

    def _iterated(self, item: t.Instance) -> Types:
        """`__iter__` gives an iterator: of the library, or an object with `__next__`."""
        found: set[Type] = set()
        for iterator in t.ordered(self.called_member(item, "__iter__")):
            if isinstance(iterator, t.Instance):
                found |= self.called_member(iterator, "__next__")
            else:
                found |= self.elements(t.of(iterator))
        return frozenset(found)

    def entered(self, types: Types) -> Types:
        """What `with <types> as name` gives; unknown managers enter as themselves."""
        found: set[Type] = set()
        for item in t.ordered(types):
            handler = self._entered.get(type(item))
            found |= {item} if handler is None else handler(item)
        return frozenset(found)

    def _entered_instance(self, item: t.Instance) -> Types:
        found = self.called_member(item, "__enter__") or self.called_member(item, "__aenter__")
        return found or t.of(item)

    def indexed(self, item: Type, node: s.Subscript, scope: sc.Scope) -> Types:
        """What `item[...]` gives."""
        handler = self._indexed.get(type(item))
        return UNKNOWN if handler is None else handler(item, node, scope)

    def _external(self, item: t.External, node: s.Subscript, scope: sc.Scope) -> Types:
        """`Mapped[int]` is `Mapped`; `Provide[Container.users]` what that gives."""
        if not providers.injects(item):
            return t.of(item)
        return providers.injected(self._inference.infer(node.index, scope))

    def _parametrised(self, item: t.ClassObject, node: s.Subscript, scope: sc.Scope) -> Types:
        annotations = self._inference.annotations
        args = tuple(annotations.types(arg, scope) for arg in subscript_items(node))
        return t.of(t.ClassObject(item.cls, args))

    def called_member(self, item: Type, name: str) -> Types:
        """What the methods `name` of `item` return."""
        return t.union(
            self._inference.calls.returns(method.fn, method.receiver)
            for method in t.ordered(self._inference.members.attribute(item, name))
            if isinstance(method, t.FunctionObject)
        )

    def given(self, types: Types) -> Types:
        """What `Depends(<types>)` puts into a parameter."""
        found: set[Type] = set()
        for item in t.ordered(types):
            if isinstance(item, t.FunctionObject):
                found |= self.injected(item)
            elif isinstance(item, t.ClassObject):
                found.add(t.Instance(item.cls, item.args))
            elif isinstance(item, t.SessionFactory):
                found.add(item.session)
            elif isinstance(item, t.Instance):
                for method in t.ordered(self._inference.members.attribute(item, "__call__")):
                    if isinstance(method, t.FunctionObject):
                        found |= self.injected(method)
        return frozenset(found)

    def injected(self, item: t.FunctionObject) -> Types:
        """What a framework that drives generator functions hands on: returned or yielded."""
        types = self._inference.calls.returns(item.fn, item.receiver)
        if not item.fn.is_generator:
            return types
        contexts = t.union(part.value for part in types if isinstance(part, t.ContextOf))
        return contexts | self.elements(types)


def _picked(items: Types, node: s.Subscript) -> Types:
    """`items` of a list, or a list of them for `[a:b]`."""
    return t.of(t.ListOf(items)) if isinstance(node.index, s.Slice) else items


def _placed(item: t.TupleOf | t.RowOf, node: s.Subscript) -> Types:
    parts = t.parts(item)
    index = node.index
    if isinstance(index, s.Constant) and isinstance(index.value, int) and index.value < len(parts):
        return parts[index.value]
    return UNKNOWN


def _looked_up(item: t.DictOf, node: s.Subscript) -> Types:
    """The value for a constant key that is known, or any of the values."""
    key = node.index.value if isinstance(node.index, s.Constant) else None
    return item.items[item.names.index(key)] if key in item.names else item.values
