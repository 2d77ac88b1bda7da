"""What calls give: return types with receivers and type variables put in their place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from migrate_async.index import generics, object_factories
from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.annotations import is_vague, sharper
from migrate_async.index.classes import receiver_class
from migrate_async.index.parameters import callable_params
from migrate_async.index.schemas import seen_through
from migrate_async.index.types import UNKNOWN, Type, Types
from migrate_async.knowledge import sqlalchemy
from migrate_async.model import syntax as s

if TYPE_CHECKING:
    from migrate_async.index.infer import Inference

_CONTEXT_DECORATORS = frozenset({"contextmanager", "asynccontextmanager"})
_ITERABLE = (t.ListOf, t.ContextOf)


class Calls:
    def __init__(self, inference: Inference) -> None:
        self._inference = inference
        self._returns: dict[tuple[sc.Function, Type | None], Types] = {}

    def forget(self) -> None:
        self._returns.clear()

    def called(self, item: Type, node: s.Call, scope: sc.Scope) -> Types:
        """What calling `item` gives."""
        if isinstance(item, t.FunctionObject | t.ContextFunction):
            return self._function_called(item, node, scope)
        objects = object_factories.made(item, self._inference.hierarchy)
        if objects is not None:
            return objects
        if isinstance(item, t.ClassObject):
            args = item.args or self._constructed(item, node, scope)
            return t.of(t.Instance(item.cls, args, item.is_self))
        if isinstance(item, t.TypeVariable) and item.is_class:
            return t.of(t.as_instance(item))
        if isinstance(item, t.Instance):
            return self._inference.protocols.called_member(item, "__call__")
        return self._inference.library.called(item, node, scope)

    def _function_called(
        self, item: t.FunctionObject | t.ContextFunction, node: s.Call, scope: sc.Scope
    ) -> Types:
        found = self.returns(item.fn, item.receiver)
        if isinstance(item, t.ContextFunction):
            return t.of(t.ContextOf(self._inference.protocols.elements(found)))
        if isinstance(item.fn.node, s.FunctionDef) and generics.has_variable(found):
            params = callable_params(item.fn, item.receiver)
            values = self._read_variables(item.fn, params, node, scope)
            found = generics.substitute(found, values)
        return found

    def _constructed(self, item: t.ClassObject, node: s.Call, scope: sc.Scope) -> tuple[Types, ...]:
        """Generic arguments that the constructor's arguments settle."""
        names = self._inference.hierarchy.parameters(item.cls)
        if not names or item.is_self:
            return ()
        values: dict[str, Types] = {}
        for method in self._inference.members.constructors(item):
            params = callable_params(method, item)
            values.update(self._read_variables(method, params, node, scope))
        if not values:
            return ()
        return tuple(values.get(name, UNKNOWN) for name in names)

    def _read_variables(
        self, fn: sc.Function, params: tuple[s.Parameter, ...], node: s.Call, scope: sc.Scope
    ) -> dict[str, Types]:
        found: dict[str, Types] = {}
        for param, value in arguments(params, node):
            if param.annotation is None or fn.scope.parent is None:
                continue
            pattern = self._inference.annotations.types(param.annotation, fn.scope.parent)
            if generics.has_variable(pattern):
                generics.match(pattern, self._inference.infer(value, scope), found)
        return found

    # --- what functions return -----------------------------------------------------------------

    def returns(self, fn: sc.Function, receiver: Type | None) -> Types:
        """What a call of `fn` on `receiver` gives (a generator: something that iterates)."""
        key = (fn, receiver)
        found = self._inference.memory.recall(self._returns, key)
        if found is not None:
            return found
        return self._inference.memory.remember(self._returns, key, self._find_returns, fn, receiver)

    def _find_returns(self, fn: sc.Function, receiver: Type | None) -> Types:
        return self._received(fn, receiver, self._own_returns(fn))

    def _own_returns(self, fn: sc.Function) -> Types:
        if fn.qualname == self._inference.settings.get_db:
            return _configured(fn)
        found = UNKNOWN
        outer = fn.scope.parent
        if isinstance(fn.node, s.FunctionDef) and fn.node.returns is not None and outer is not None:
            found = self._inference.annotations.types(fn.node.returns, outer)
        said = (self._inference.protocols.elements(found) or found) if fn.is_generator else found
        if all(is_vague(item) for item in said):
            given = self._yielded(fn) if fn.is_generator else self._returned(fn)
            found = sharper(found, given)
        elif not fn.is_generator:
            found = seen_through(found, lambda: self._returned(fn), self._inference.hierarchy)
            found |= self._from_tables(fn, found)
        elif not any(isinstance(item, _ITERABLE) for item in found):
            found = t.of(t.ListOf(found))  # `-> Session` on a generator function is a common slip
        if not fn.decorator_names.isdisjoint(_CONTEXT_DECORATORS):
            found = t.of(t.ContextOf(self._inference.protocols.elements(found)))
        return found

    def _returned(self, fn: sc.Function) -> Types:
        return t.union(self._inference.infer(value, fn.scope) for value in fn.returns)

    def _from_tables(self, fn: sc.Function, declared: Types) -> Types:
        """What `return CONNECTORS[kind](config)` gives beside the class that `fn` declares.

        Types in such tables are rarely checked, so the annotation need not be true.
        """
        bases = {item.cls for item in declared if isinstance(item, t.Instance)}
        made = (self._inference.infer(value, fn.scope) for value in fn.returns if _is_picked(value))
        return frozenset(
            item
            for item in t.union(made)
            if isinstance(item, t.Instance) and bases and bases.isdisjoint(self._mro(item.cls))
        )

    def _mro(self, cls: sc.Class) -> set[sc.Class | None]:
        return {ancestor.cls for ancestor in self._inference.hierarchy.order(cls)}

    def _yielded(self, fn: sc.Function) -> Types:
        items: set[Type] = set()
        for node in fn.yields:
            if node.value is not None:
                types = self._inference.infer(node.value, fn.scope)
                items |= self._inference.protocols.elements(types) if node.is_from else types
        return t.of(t.ListOf(frozenset(items)))

    def _received(self, fn: sc.Function, receiver: Type | None, found: Types) -> Types:
        """Put the receiver in place of `self`, and its generic arguments in place of variables."""
        cls = receiver_class(receiver)
        if cls is None or fn.cls is None or not isinstance(receiver, t.Instance | t.ClassObject):
            return found
        for ancestor in self._inference.hierarchy.order(cls, receiver.args):
            if ancestor.cls is fn.cls:
                found = generics.substitute(found, ancestor.values)
                break
        found = generics.substitute(found, self._self_variables(fn, receiver))
        return generics.put_receiver(found, fn.cls, receiver)

    def _self_variables(
        self, fn: sc.Function, receiver: t.Instance | t.ClassObject
    ) -> dict[str, Types]:
        """Variables bound by an annotated first parameter: `cls: Type[T]`, `self: T`."""
        first = fn.params[0] if fn.self_name else None
        if first is None or first.annotation is None or fn.scope.parent is None:
            return {}
        pattern = self._inference.annotations.types(first.annotation, fn.scope.parent)
        value = t.of(t.Instance(receiver.cls, receiver.args))
        return {item.name: value for item in pattern if isinstance(item, t.TypeVariable)}


def arguments(
    params: tuple[s.Parameter, ...], node: s.Call
) -> Iterator[tuple[s.Parameter, s.Expr]]:
    """Parameters of a function with the arguments that `node` gives them."""
    positional = [param for param in params if param.kind.startswith("positional")]
    for param, arg in zip(positional, node.args, strict=False):
        if isinstance(arg, s.Starred):
            break
        yield param, arg
    for keyword in node.keywords:
        for param in params:
            if param.name == keyword.arg and param.kind in ("positional", "keyword-only"):
                yield param, keyword.value


def _configured(fn: sc.Function) -> Types:
    """What the function gives that the settings name as the session dependency."""
    dotted = sqlalchemy.ASYNC_SESSION if fn.is_async else sqlalchemy.SESSION
    session = t.of(t.ExternalInstance(dotted))
    return t.of(t.ListOf(session)) if fn.is_generator else session


def _is_picked(value: s.Expr) -> bool:
    """Whether `value` is a call of what a table gives: `TABLE[key](...)`."""
    return isinstance(value, s.Call) and isinstance(value.func, s.Subscript)
