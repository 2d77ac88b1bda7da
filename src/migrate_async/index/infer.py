"""Types of expressions: demand-driven, remembered, and safe on cycles.

Every expression is inferred once. An expression that is asked for while it is being inferred
gives an empty set; empty results are remembered too, or cyclic code bases take exponential time.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from migrate_async.config import Settings
from migrate_async.index import generics
from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.annotations import Annotations
from migrate_async.index.classes import Hierarchy, receiver_class, subscript_items
from migrate_async.index.library import Library
from migrate_async.index.members import Members
from migrate_async.index.parameters import Parameters, callable_params
from migrate_async.index.resolve import Names, Target
from migrate_async.index.types import UNKNOWN, Type, Types
from migrate_async.index.walk import Symbols
from migrate_async.knowledge import sqlalchemy
from migrate_async.model import syntax as s

_MAX_TYPES = 40
_MAX_DEPTH = 400
_FRAMES = 8_000
"""Python frames that inference may take: about a dozen per level of `_MAX_DEPTH`."""

_CONSTANTS: dict[str, Types] = {
    kind: t.of(t.ExternalInstance(f"builtins.{kind}"))
    for kind in ("str", "bytes", "int", "float", "complex", "bool")
}
_BOOL = _CONSTANTS["bool"]
_STR = _CONSTANTS["str"]


class Inference:
    """Types of expressions, bindings and calls of one project."""

    def __init__(self, names: Names, symbols: Symbols, settings: Settings) -> None:
        self.names = names
        self.symbols = symbols
        self.settings = settings
        self.classes_by_name: dict[str, list[sc.Class]] = {}
        for cls in symbols.classes:
            self.classes_by_name.setdefault(cls.name, []).append(cls)
        self.hierarchy = Hierarchy(self)
        self.annotations = Annotations(self)
        self.members = Members(self)
        self.parameters = Parameters(self)
        self.library = Library(self)
        self._types: dict[s.Expr, Types] = {}
        self._bindings: dict[sc.Binding, Types] = {}
        self._returns: dict[tuple[sc.Function, Type | None], Types] = {}
        self._busy: set[object] = set()
        self._handlers: dict[type, Callable[[Any, sc.Scope], Types]] = {
            s.Name: self._name,
            s.Attribute: self._attribute,
            s.Call: self._call,
            s.Constant: lambda n, _: _CONSTANTS.get(n.kind, UNKNOWN),
            s.Await: lambda n, scope: self.infer(n.value, scope),
            s.Starred: lambda n, scope: self.infer(n.value, scope),
            s.NamedExpression: lambda n, scope: self.infer(n.value, scope),
            s.Conditional: self._conditional,
            s.Operation: self._operation,
            s.Sequence: self._sequence,
            s.Mapping: self._mapping,
            s.Comprehension: self._comprehension,
            s.Lambda: self._lambda,
            s.Subscript: self._subscript,
        }

    def forget(self) -> None:
        """Drop all results, because something they depend on became better known."""
        self._types.clear()
        self._bindings.clear()
        self._returns.clear()
        self.annotations.forget()
        self.hierarchy.forget()

    # --- expressions ---------------------------------------------------------------------------

    def infer(self, expr: s.Expr, scope: sc.Scope) -> Types:
        """What `expr`, read in `scope`, can be."""
        found = self._types.get(expr)
        if found is not None:
            return found
        handler = self._handlers.get(type(expr))
        if handler is None or expr in self._busy or len(self._busy) > _MAX_DEPTH:
            return UNKNOWN
        self._busy.add(expr)
        try:
            found = _limited(handler(expr, scope))
        finally:
            self._busy.discard(expr)
        self._types[expr] = found
        return found

    def _name(self, node: s.Name, scope: sc.Scope) -> Types:
        return self.targets(self.names.lookup(node.id, scope))

    def _attribute(self, node: s.Attribute, scope: sc.Scope) -> Types:
        found: set[Type] = set()
        for item in t.ordered(self.infer(node.value, scope)):
            found |= self.members.attribute(item, node.attr)
        if isinstance(node.value, s.Attribute) and node.value.attr == "state":
            found |= self.targets(self.symbols.state.get(node.attr, ()))
        return frozenset(found)

    def _call(self, node: s.Call, scope: sc.Scope) -> Types:
        if self.library.is_session_resolver(node):
            return t.of(t.ExternalInstance(sqlalchemy.SESSION))
        found: set[Type] = set()
        for item in t.ordered(self.infer(node.func, scope)):
            found |= self.called(item, node, scope)
        return frozenset(found)

    def _conditional(self, node: s.Conditional, scope: sc.Scope) -> Types:
        return self.infer(node.body, scope) | self.infer(node.orelse, scope)

    def _operation(self, node: s.Operation, scope: sc.Scope) -> Types:
        operator = node.operator
        if operator in ("and", "or"):
            return t.union(self.infer(operand, scope) for operand in node.operands)
        if operator in ("f-string", "format"):
            return _STR
        if operator in ("not", "in", "not in", "is", "is not"):
            return _BOOL
        if len(node.operands) != 2:
            return UNKNOWN
        left = self.infer(node.operands[0], scope)
        if operator == "+":
            left |= self.infer(node.operands[1], scope)
        kinds = (t.ListOf, t.DictOf, t.TupleOf) if operator in ("+", "|", "-", "&") else ()
        return frozenset(item for item in left if isinstance(item, kinds) or item in _STR)

    def _sequence(self, node: s.Sequence, scope: sc.Scope) -> Types:
        if node.kind == "tuple" and not any(isinstance(item, s.Starred) for item in node.items):
            return t.of(t.TupleOf(tuple(self.infer(item, scope) for item in node.items)))
        items = t.union(self._item(item, scope) for item in node.items[:_MAX_TYPES])
        return t.of(t.ListOf(items))

    def _item(self, item: s.Expr, scope: sc.Scope) -> Types:
        types = self.infer(item, scope)
        return self.elements(types) if isinstance(item, s.Starred) else types

    def _mapping(self, node: s.Mapping, scope: sc.Scope) -> Types:
        values = [value for key, value in zip(node.keys, node.values, strict=True) if key]
        types = t.union(self.infer(value, scope) for value in values[:_MAX_TYPES])
        return t.of(t.DictOf(UNKNOWN, types))

    def _comprehension(self, node: s.Comprehension, _scope: sc.Scope) -> Types:
        inner = self.symbols.scopes.get(node)
        if inner is None:
            return UNKNOWN
        elements = [self.infer(element, inner) for element in node.elements]
        if node.kind == "dict":
            return t.of(t.DictOf(elements[0], elements[1]))
        return t.of(t.ListOf(elements[0]))

    def _lambda(self, node: s.Lambda, _scope: sc.Scope) -> Types:
        inner = self.symbols.scopes.get(node)
        return UNKNOWN if inner is None else t.of(t.FunctionObject(inner.function))

    def _subscript(self, node: s.Subscript, scope: sc.Scope) -> Types:
        found: set[Type] = set()
        for item in t.ordered(self.infer(node.value, scope)):
            found |= self._indexed(item, node, scope)
        return frozenset(found)

    def _indexed(self, item: Type, node: s.Subscript, scope: sc.Scope) -> Types:
        if isinstance(item, t.ClassObject):
            args = tuple(self.annotations.types(arg, scope) for arg in subscript_items(node))
            return t.of(t.ClassObject(item.cls, args))
        if isinstance(item, t.DictOf):
            return item.values
        if isinstance(item, t.External):
            return t.of(item)
        if isinstance(item, t.QueryOf):
            rows = t.entity_rows(item.entities)
            return t.of(t.ListOf(rows)) if isinstance(node.index, s.Slice) else rows
        if isinstance(item, t.ListOf):
            return t.of(item) if isinstance(node.index, s.Slice) else item.items
        if isinstance(item, t.TupleOf | t.RowOf) and isinstance(node.index, s.Constant):
            position = node.index.value
            parts = tuple_parts(item)
            if isinstance(position, int) and position < len(parts):
                return parts[position]
        if isinstance(item, t.Instance):
            return self.called_member(item, "__getitem__")
        return UNKNOWN

    # --- bindings ------------------------------------------------------------------------------

    def targets(self, targets: Iterable[Target]) -> Types:
        """Types of resolved names."""
        found: set[Type] = set()
        for target in targets:
            if isinstance(target, Type):
                found.add(target)
            else:
                found |= self.binding(target)
        return frozenset(found)

    def binding(self, binding: sc.Binding) -> Types:
        """What the name of `binding` holds."""
        if isinstance(binding, sc.FunctionBinding):
            return t.of(t.FunctionObject(binding.function))
        if isinstance(binding, sc.ClassBinding):
            return t.of(t.ClassObject(binding.cls))
        found = self._bindings.get(binding)
        if found is not None:
            return found
        if binding in self._busy or len(self._busy) > _MAX_DEPTH:
            return UNKNOWN
        self._busy.add(binding)
        try:
            found = _limited(self._bound(binding))
        finally:
            self._busy.discard(binding)
        self._bindings[binding] = found
        return found

    def _bound(self, binding: sc.Binding) -> Types:
        if isinstance(binding, sc.ValueBinding):
            return self.infer(binding.value, binding.scope)
        if isinstance(binding, sc.ParameterBinding):
            return self.parameters.types(binding)
        if isinstance(binding, sc.AnnotatedBinding):
            return self._annotated(binding)
        if isinstance(binding, sc.IterationBinding):
            return self.elements(self.infer(binding.value, binding.scope))
        if isinstance(binding, sc.WithBinding):
            return self.entered(self.infer(binding.value, binding.scope))
        if isinstance(binding, sc.ElementBinding):
            return self._unpacked(binding)
        if isinstance(binding, sc.FromBinding | sc.ImportBinding):
            return self.targets(self.names.follow(binding))
        return binding.types if isinstance(binding, sc.FixedBinding) else UNKNOWN

    def _annotated(self, binding: sc.AnnotatedBinding) -> Types:
        found = self.annotations.types(binding.annotation, binding.scope)
        vague = all(isinstance(item, t.External | t.ExternalInstance) for item in found)
        if binding.value is not None and vague:
            found |= self.infer(binding.value, binding.scope)
        return found

    def _unpacked(self, binding: sc.ElementBinding) -> Types:
        found: set[Type] = set()
        for item in t.ordered(self.binding(binding.source)):
            if isinstance(item, t.TupleOf | t.RowOf):
                parts = tuple_parts(item)
                if binding.starred:
                    found.add(t.ListOf(t.union(parts)))
                elif binding.index < len(parts):
                    found |= parts[binding.index]
            else:
                items = self.elements(t.of(item))
                found |= {t.ListOf(items)} if binding.starred else items
        return frozenset(found)

    # --- calls ---------------------------------------------------------------------------------

    def called(self, item: Type, node: s.Call, scope: sc.Scope) -> Types:
        """What calling `item` gives."""
        if isinstance(item, t.FunctionObject):
            return self._function_called(item, node, scope)
        if isinstance(item, t.ClassObject):
            return t.of(t.Instance(item.cls, item.args or self._constructed(item, node, scope)))
        if isinstance(item, t.TypeVariable) and item.is_class:
            return t.of(t.as_instance(item))
        if isinstance(item, t.Instance):
            return self.called_member(item, "__call__")
        return self.library.called(item, node, scope)

    def called_member(self, item: Type, name: str) -> Types:
        """What the methods `name` of `item` return."""
        return t.union(
            self.returns(method.fn, method.receiver)
            for method in t.ordered(self.members.attribute(item, name))
            if isinstance(method, t.FunctionObject)
        )

    def _function_called(self, item: t.FunctionObject, node: s.Call, scope: sc.Scope) -> Types:
        found = self.returns(item.fn, item.receiver)
        if isinstance(item.fn.node, s.FunctionDef) and generics.has_variable(found):
            params = callable_params(item.fn, item.receiver)
            values = self._read_variables(item.fn, params, node, scope)
            found = generics.substitute(found, values)
        return found

    def _constructed(self, item: t.ClassObject, node: s.Call, scope: sc.Scope) -> tuple[Types, ...]:
        """Generic arguments that the constructor's arguments settle."""
        names = self.hierarchy.parameters(item.cls)
        if not names or item.is_self:
            return ()
        values: dict[str, Types] = {}
        for method in self.members.constructors(item):
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
            pattern = self.annotations.types(param.annotation, fn.scope.parent)
            if generics.has_variable(pattern):
                generics.match(pattern, self.infer(value, scope), found)
        return found

    # --- what functions return -----------------------------------------------------------------

    def returns(self, fn: sc.Function, receiver: Type | None) -> Types:
        """What a call of `fn` on `receiver` gives (a generator: something that iterates)."""
        key = (fn, receiver)
        found = self._returns.get(key)
        if found is not None:
            return found
        if key in self._busy or len(self._busy) > _MAX_DEPTH:
            return UNKNOWN
        self._busy.add(key)
        try:
            found = self._received(fn, receiver, self._own_returns(fn))
        finally:
            self._busy.discard(key)
        self._returns[key] = found
        return found

    def _own_returns(self, fn: sc.Function) -> Types:
        found = UNKNOWN
        outer = fn.scope.parent
        if isinstance(fn.node, s.FunctionDef) and fn.node.returns is not None and outer is not None:
            found = self.annotations.types(fn.node.returns, outer)
        if all(_is_vague(item) for item in found):
            found = self._yielded(fn) if fn.is_generator else self._returned(fn) or found
        if not fn.decorator_names.isdisjoint(_CONTEXT_DECORATORS):
            found = t.of(t.ContextOf(self.elements(found)))
        return _limited(found)

    def _returned(self, fn: sc.Function) -> Types:
        return t.union(self.infer(value, fn.scope) for value in fn.returns)

    def _yielded(self, fn: sc.Function) -> Types:
        items: set[Type] = set()
        for node in fn.yields:
            if node.value is not None:
                types = self.infer(node.value, fn.scope)
                items |= self.elements(types) if node.is_from else types
        return t.of(t.ListOf(frozenset(items)))

    def _received(self, fn: sc.Function, receiver: Type | None, found: Types) -> Types:
        """Put the receiver in place of `self`, and its generic arguments in place of variables."""
        cls = receiver_class(receiver)
        if cls is None or fn.cls is None or not isinstance(receiver, t.Instance | t.ClassObject):
            return found
        for ancestor in self.hierarchy.order(cls, receiver.args):
            if ancestor.cls is fn.cls:
                found = generics.substitute(found, ancestor.values)
                break
        found = generics.substitute(found, self._self_variables(fn, receiver))
        return frozenset(_put_receiver(item, fn.cls, receiver) for item in found)

    def _self_variables(
        self, fn: sc.Function, receiver: t.Instance | t.ClassObject
    ) -> dict[str, Types]:
        """Variables bound by an annotated first parameter: `cls: Type[T]`, `self: T`."""
        first = fn.params[0] if fn.self_name else None
        if first is None or first.annotation is None or fn.scope.parent is None:
            return {}
        pattern = self.annotations.types(first.annotation, fn.scope.parent)
        value = t.of(t.Instance(receiver.cls, receiver.args))
        return {item.name: value for item in pattern if isinstance(item, t.TypeVariable)}

    # --- protocols -----------------------------------------------------------------------------

    def elements(self, types: Types) -> Types:
        """What iterating over a value of `types` gives."""
        found: set[Type] = set()
        for item in t.ordered(types):
            found |= self._elements_of(item)
        return frozenset(found)

    def _elements_of(self, item: Type) -> Types:
        if isinstance(item, t.ListOf):
            return item.items
        if isinstance(item, t.QueryOf):
            return t.entity_rows(item.entities)
        if isinstance(item, t.ResultOf):
            return t.result_rows(item)
        if isinstance(item, t.DictOf):
            return item.keys
        if isinstance(item, t.TupleOf | t.RowOf):
            return t.union(tuple_parts(item))
        if isinstance(item, t.Instance):
            return self.elements(self.called_member(item, "__iter__"))
        return UNKNOWN

    def entered(self, types: Types) -> Types:
        """What `with <types> as name` gives."""
        found: set[Type] = set()
        for item in t.ordered(types):
            if isinstance(item, t.ContextOf):
                found |= item.value
            elif isinstance(item, t.ListOf):
                found |= item.items
            elif isinstance(item, t.Instance):
                entered = self.called_member(item, "__enter__")
                found |= entered or self.called_member(item, "__aenter__") or {item}
            elif isinstance(item, t.ExternalInstance):
                found.add(_entered_external(item))
            else:
                found.add(item)
        return frozenset(found)

    def given(self, types: Types) -> Types:
        """What `Depends(<types>)` puts into a parameter."""
        found: set[Type] = set()
        for item in t.ordered(types):
            if isinstance(item, t.FunctionObject):
                found |= self.entered_if_generator(item.fn, self.returns(item.fn, item.receiver))
            elif isinstance(item, t.ClassObject):
                found.add(t.Instance(item.cls, item.args))
            elif isinstance(item, t.Instance):
                for method in t.ordered(self.members.attribute(item, "__call__")):
                    if isinstance(method, t.FunctionObject):
                        values = self.returns(method.fn, method.receiver)
                        found |= self.entered_if_generator(method.fn, values)
            elif isinstance(item, t.SessionFactory):
                found.add(item.session)
        return frozenset(found)

    def entered_if_generator(self, fn: sc.Function, types: Types) -> Types:
        """The yielded value, for a generator function that a framework drives."""
        if not fn.is_generator:
            return types
        contexts = t.union(item.value for item in types if isinstance(item, t.ContextOf))
        return contexts | self.elements(types)


_CONTEXT_DECORATORS = frozenset({"contextmanager", "asynccontextmanager"})


def _is_vague(item: Type) -> bool:
    """An annotation that says less than the code: `Any`, a bare container, a bare `Query`."""
    if isinstance(item, t.QueryOf):
        return not item.entities
    return isinstance(item, t.ExternalInstance) and item.dotted.startswith(("builtins.", "typing"))


def _put_receiver(item: Type, cls: sc.Class, receiver: t.Instance | t.ClassObject) -> Type:
    if isinstance(item, t.ExternalInstance) and item.dotted.endswith(".Self"):
        return t.Instance(receiver.cls, receiver.args)
    if isinstance(item, t.Instance) and item.is_self and item.cls is cls:
        return t.Instance(receiver.cls, receiver.args, receiver.is_self)
    if isinstance(item, t.ClassObject) and item.is_self and item.cls is cls:
        return t.ClassObject(receiver.cls, receiver.args, receiver.is_self)
    return item


def _entered_external(item: t.ExternalInstance) -> Type:
    if item.dotted == sqlalchemy.ENGINE:
        return t.ExternalInstance(sqlalchemy.CONNECTION)
    if item.dotted == sqlalchemy.ASYNC_ENGINE:
        return t.ExternalInstance(sqlalchemy.ASYNC_CONNECTION)
    return item


def tuple_parts(item: t.TupleOf | t.RowOf) -> tuple[Types, ...]:
    """Types of the places of a tuple or a row."""
    if isinstance(item, t.TupleOf):
        return item.items
    return tuple(entity.value for entity in item.entities)


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


def _limited(types: Types) -> Types:
    if len(types) <= _MAX_TYPES:
        return types
    return frozenset(sorted(types, key=t.describe)[:_MAX_TYPES])


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Allow the frames that inference needs on deeply nested code."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _FRAMES))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
