"""Types of expressions: demand-driven, remembered, and safe on cycles.

Every expression is inferred once. An expression that is asked for while it is being inferred
gives an empty set; empty results are remembered too, or cyclic code bases take exponential time.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from migrate_async.config import Settings
from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.annotations import Annotations, is_vague, sharper
from migrate_async.index.calls import Calls
from migrate_async.index.classes import Hierarchy
from migrate_async.index.context_variables import ContextVariables
from migrate_async.index.descriptors import Descriptors
from migrate_async.index.dict_sessions import dict_of
from migrate_async.index.dispatched import Dispatched
from migrate_async.index.fillings import Fillings, is_made_empty
from migrate_async.index.library import Library
from migrate_async.index.members import Members
from migrate_async.index.memory import Memory
from migrate_async.index.parameters import Parameters
from migrate_async.index.protocols import Protocols
from migrate_async.index.redefined import reaching
from migrate_async.index.registries import Registries
from migrate_async.index.relationship_calls import is_dynamic
from migrate_async.index.resolve import Names, Target
from migrate_async.index.schemas import seen_through
from migrate_async.index.types import UNKNOWN, Type, Types
from migrate_async.index.walk import Symbols
from migrate_async.knowledge import sqlalchemy
from migrate_async.model import syntax as s

_MAX_TYPES = 40
_FRAMES = 8_000
"""Python frames that inference may take: about a dozen per computation of `Memory`."""

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
        self.memory = Memory()
        self.dispatched = Dispatched(names, symbols)
        self.context_variables = ContextVariables(self)
        self.hierarchy = Hierarchy(self)
        self.registries = Registries(self)
        self.annotations = Annotations(self)
        self.descriptors = Descriptors(symbols)
        self.members = Members(self)
        self.parameters = Parameters(self)
        self.protocols = Protocols(self)
        self.calls = Calls(self)
        self.library = Library(self)
        self.fillings = Fillings(self)
        self._types: dict[s.Expr, Types] = {}
        self._bindings: dict[sc.Binding, Types] = {}
        self._handlers: dict[type, Callable[[Any, sc.Scope], Types]] = {
            s.Name: self._name,
            s.Attribute: self._attribute,
            s.Call: self._call,
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
        self._binders: dict[type, Callable[[Any], Types]] = {
            sc.FunctionBinding: lambda b: self._defined(b.function),
            sc.ClassBinding: lambda b: t.of(t.ClassObject(b.cls)),
            sc.ValueBinding: lambda b: self.fillings.known(b.value, b.scope, b),
            sc.ParameterBinding: self.parameters.types,
            sc.AnnotatedBinding: self._annotated,
            sc.IterationBinding: lambda b: self.protocols.elements(self.infer(b.value, b.scope)),
            sc.WithBinding: lambda b: self.protocols.entered(self.infer(b.value, b.scope)),
            sc.ElementBinding: self._unpacked,
            sc.AttributeBinding: self._attribute_of,
            sc.FromBinding: lambda b: self.targets(self.names.follow(b)),
            sc.ImportBinding: lambda b: self.targets(self.names.follow(b)),
            sc.FixedBinding: lambda b: b.types,
        }

    def forget(self) -> None:
        """Drop all results, because something they depend on became better known."""
        self._types.clear()
        self._bindings.clear()
        self.calls.forget()
        self.annotations.forget()
        self.hierarchy.forget()
        self.registries.forget()

    # --- expressions ---------------------------------------------------------------------------

    def infer(self, expr: s.Expr, scope: sc.Scope) -> Types:
        """What `expr`, read in `scope`, can be."""
        found = self.known(expr)
        if found is not None:
            return found
        kind = type(expr)
        if kind is s.Constant:
            return _CONSTANTS.get(expr.kind, UNKNOWN)  # type: ignore[union-attr]
        handler = self._handlers.get(kind)
        if handler is None:
            return UNKNOWN
        return self.memory.remember(self._types, expr, _limited, handler, expr, scope)

    def known(self, expr: s.Expr) -> Types | None:
        """What `infer` said of `expr` before; None when it was not asked."""
        found = self._types.get(expr)
        if found is None or not self.memory.provisional:
            return found
        return self.memory.recall(self._types, expr)

    def _name(self, node: s.Name, scope: sc.Scope) -> Types:
        found = self.names.lookup(node.id, scope)
        if len(found) > 1 and scope.kind == "function":
            return self.targets(self._meant(node, scope, found))
        return self.targets(found)

    def _meant(self, node: s.Name, scope: sc.Scope, found: Sequence[Target]) -> Iterable[Target]:
        """Of functions of one name in one scope, that which `node` means, if that is sure."""
        definitions = {
            binding.function.node: binding
            for binding in found
            if isinstance(binding, sc.FunctionBinding) and binding.scope is scope
        }
        if len(definitions) < len(found):
            return found
        nodes = [item for item in definitions if isinstance(item, s.FunctionDef)]
        meant = reaching(nodes, node, self.symbols.parents)
        return found if meant is None else (definitions[meant],)

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
        found: set[Type] = {*self.context_variables.given(node, scope)}
        for item in t.ordered(self.infer(node.func, scope)):
            found |= self.calls.called(item, node, scope)
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
        return self.protocols.elements(types) if isinstance(item, s.Starred) else types

    def _mapping(self, node: s.Mapping, scope: sc.Scope) -> Types:
        pairs = [(key, value) for key, value in zip(node.keys, node.values, strict=True) if key]
        found = [(key, self.infer(value, scope)) for key, value in pairs[:_MAX_TYPES]]
        return t.of(dict_of(found, self.hierarchy))

    def _comprehension(self, node: s.Comprehension, _scope: sc.Scope) -> Types:
        inner = self.symbols.scopes.get(node)
        if inner is None:
            return UNKNOWN
        elements = [self._element(element, node, inner) for element in node.elements]
        if node.kind == "dict":
            return t.of(t.DictOf(elements[0], elements[1]))
        return t.of(t.ListOf(elements[0]))

    def _element(self, element: s.Expr, node: s.Comprehension, scope: sc.Scope) -> Types:
        """What a comprehension collects; `[x for x in xs if isinstance(x, Service)]` says it."""
        found = self.infer(element, scope)
        if found or not isinstance(element, s.Name):
            return found
        tests = (test for part in node.generators for test in part.conditions)
        return t.union(self._asked(test, element.id, scope) for test in tests)

    def _asked(self, test: s.Expr, name: str, scope: sc.Scope) -> Types:
        """The class of `isinstance(name, cls)`."""
        if not isinstance(test, s.Call) or sc.last_name(test.func) != "isinstance":
            return UNKNOWN
        subject = test.args[0] if len(test.args) == 2 else None
        if not isinstance(subject, s.Name) or subject.id != name:
            return UNKNOWN
        classes = self.infer(test.args[1], scope)
        return frozenset(t.as_instance(c) for c in classes if isinstance(c, t.ClassObject))

    def _lambda(self, node: s.Lambda, _scope: sc.Scope) -> Types:
        inner = self.symbols.scopes.get(node)
        return UNKNOWN if inner is None else t.of(t.FunctionObject(inner.function))

    def _subscript(self, node: s.Subscript, scope: sc.Scope) -> Types:
        found: set[Type] = set()
        for item in t.ordered(self.infer(node.value, scope)):
            found |= self.protocols.indexed(item, node, scope)
        return frozenset(found)

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
        found = self._bindings.get(binding)
        if found is not None and self.memory.provisional:
            found = self.memory.recall(self._bindings, binding)
        if found is not None:
            return found
        binder = self._binders[type(binding)]
        return self.memory.remember(self._bindings, binding, _limited, binder, binding)

    def _defined(self, fn: sc.Function) -> Types:
        """The function, and those that may run instead of it."""
        return frozenset(map(t.FunctionObject, (fn, *self.dispatched.registered(fn))))

    def _annotated(self, binding: sc.AnnotatedBinding) -> Types:
        """The annotation; where it says little, the value too."""
        found = self.annotations.types(binding.annotation, binding.scope)
        value = binding.value
        if isinstance(value, s.Call) and is_dynamic(value, binding.annotation):
            found = self.library.queried(value, binding.scope, found) or found
        if value is None:
            return found
        if not all(is_vague(i) or isinstance(i, t.External) for i in found):
            return seen_through(found, lambda: self.infer(value, binding.scope), self.hierarchy)
        return sharper(found, self.fillings.known(value, binding.scope, binding))

    def _attribute_of(self, binding: sc.AttributeBinding) -> Types:
        owners = self.annotations.types(binding.cls, binding.scope)
        found = (self.members.attribute(item, binding.attribute) for item in t.ordered(owners))
        return t.union(found)

    def _unpacked(self, binding: sc.ElementBinding) -> Types:
        container = _element(binding)
        if container is not None:
            return self.fillings.known(container, binding.scope, binding)
        found: set[Type] = set()
        for item in t.ordered(self.binding(binding.source)):
            if isinstance(item, t.TupleOf | t.RowOf):
                parts = t.parts(item)
                if binding.starred:
                    found.add(t.ListOf(t.union(parts)))
                elif binding.index < len(parts):
                    found |= parts[binding.index]
            else:
                items = self.protocols.elements(t.of(item))
                found |= {t.ListOf(items)} if binding.starred else items
        return frozenset(found)


def _element(binding: sc.ElementBinding) -> s.Expr | None:
    """`[]` for the `found` of `found, names = [], {}`."""
    value = binding.source.value if isinstance(binding.source, sc.ValueBinding) else None
    if not isinstance(value, s.Sequence) or binding.starred or len(value.items) <= binding.index:
        return None
    if any(isinstance(item, s.Starred) for item in value.items):
        return None
    item = value.items[binding.index]
    return item if is_made_empty(item) else None


def _limited(compute: Callable[..., Types], *args: object) -> Types:
    types = compute(*args)
    if len(types) <= _MAX_TYPES:
        return types
    return frozenset(sorted(types, key=t.describe)[:_MAX_TYPES])


class _Depth:
    """How many computations that need frames are running, and the limit before the first."""

    __slots__ = ("before", "inside", "lock")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.inside = 0
        self.before = 0


_DEPTH = _Depth()


class deep_recursion:  # noqa: N801 - used as a function, and too often for a generator
    """Allow the frames that inference needs on deeply nested code.

    The limit is one for all threads: it is put back when the last of them is done.
    """

    __slots__ = ()

    def __enter__(self) -> None:
        with _DEPTH.lock:
            if not _DEPTH.inside:
                _DEPTH.before = sys.getrecursionlimit()
                if _DEPTH.before < _FRAMES:
                    sys.setrecursionlimit(_FRAMES)
            _DEPTH.inside += 1

    def __exit__(self, *_: object) -> None:
        with _DEPTH.lock:
            _DEPTH.inside -= 1
            if not _DEPTH.inside:
                sys.setrecursionlimit(_DEPTH.before)
