"""Who calls whom: call sites with their targets and database operations, and value uses.

Besides calls as written there are sites for what runs a function without one: reading a
property, `for`, `with` and `[...]` on an object with special methods, and `Depends(f)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from migrate_async.index import scopes as sc
from migrate_async.index import sessions
from migrate_async.index import types as t
from migrate_async.index.calls import arguments
from migrate_async.index.classes import subscript_items
from migrate_async.index.infer import Inference
from migrate_async.index.members import is_property
from migrate_async.index.parameters import callable_params, is_depends
from migrate_async.index.types import Type, Types
from migrate_async.knowledge import sqlalchemy
from migrate_async.model import syntax as s

_CONSUMERS = frozenset(
    f"builtins.{name}"
    for name in (
        *("list", "sorted", "set", "tuple", "dict", "frozenset", "iter", "enumerate", "zip"),
        *("map", "filter", "any", "all", "sum", "max", "min", "reversed"),
    )
)
"""Builtins that iterate over what they are given."""
_SPECIAL_METHODS = {"__enter__": ("__enter__", "__exit__", "__aenter__", "__aexit__")}
_VALUES = (s.Name, s.Attribute, s.Call, s.Await)
_MAX_ROUNDS = 2


class Operation(msgspec.Struct, frozen=True):
    """A method that talks to the database.

    `owner` is `session`, `query`, `connection`, `engine`, `result`, `transaction` or `factory`.
    `name` is the method; `__iter__`, `__getitem__` and `__exit__` stand for what syntax calls.
    `is_async`: the owner is already the async one, so that the operation has to be awaited.
    """

    owner: str
    name: str
    is_async: bool = False


class CallSite(msgspec.Struct, frozen=True, eq=False, gc=False):
    """One place that runs code.

    `node` is a `Call` when `kind` is `call` or `dependency`; for `property` the attribute, for
    `implicit` the value that `for`, `with` or `[...]` works on.
    `resolved` is False when nothing is known about what is called.
    `heuristic`: known only because of a parameter's name.
    """

    node: s.Expr
    function: sc.Function
    scope: sc.Scope
    context: tuple[str, ...]
    awaited: bool
    targets: tuple[sc.Function, ...] = ()
    operation: Operation | None = None
    resolved: bool = True
    passes_session: bool = False
    kind: str = "call"
    heuristic: bool = False


class ValueUse(msgspec.Struct, frozen=True, eq=False, gc=False):
    """A function used as a value, not called.

    `kind`: `arg:<callee>` (an argument of that call), `decorator`, `base` (an attribute of the
    function is taken), `iter` or `value`.
    """

    node: s.Expr
    function: sc.Function
    scope: sc.Scope
    kind: str


class CallGraph:
    """Call sites and value uses of all functions."""

    def __init__(self, inference: Inference) -> None:
        self._inference = inference
        self._functions = inference.symbols.functions
        self.calls: dict[sc.Function, list[CallSite]] = {}
        self.callers: dict[sc.Function, list[CallSite]] = {}
        self.value_uses: dict[sc.Function, list[ValueUse]] = {}
        self.injected: set[sc.Function] = set()
        """Functions that a `Depends(...)` names."""
        self._properties = frozenset(fn.name for fn in self._functions if is_property(fn))
        self._names = frozenset(
            fn.name for fn in self._functions if isinstance(fn.node, s.FunctionDef)
        )

    def build(self) -> None:
        """Resolve everything. Arguments of unannotated parameters are learnt first."""
        for _ in range(_MAX_ROUNDS):
            if not self._learn():
                break
            self._inference.forget()
        for fn in self._functions:
            sites = list(self._sites(fn))
            self.calls[fn] = sites
            for site in sites:
                for target in site.targets:
                    self.callers.setdefault(target, []).append(site)
            self._collect_uses(fn)

    # --- arguments of unannotated parameters ---------------------------------------------------

    def _learn(self) -> bool:
        wanted = _names_with_untyped_parameters(self._functions)
        learnt = False
        for fn in self._functions:
            for call in fn.calls:
                if sc.last_name(call.node.func) in wanted:
                    learnt = self._learn_from(call) or learnt
        return learnt

    def _learn_from(self, call: sc.RawCall) -> bool:
        infer, learnt = self._inference.infer, False
        for item in t.ordered(infer(call.node.func, call.scope)):
            for target, receiver in self._callables(item):
                for param, value in arguments(callable_params(target, receiver), call.node):
                    if param.annotation is None and isinstance(target.node, s.FunctionDef):
                        types = infer(value, call.scope)
                        learnt = self._inference.parameters.learn(target, param, types) or learnt
        return learnt

    def _callables(self, item: Type) -> Iterator[tuple[sc.Function, Type | None]]:
        """Project functions that calling `item` runs, with their receivers."""
        members = self._inference.members
        if isinstance(item, t.FunctionObject):
            yield item.fn, item.receiver
        elif isinstance(item, t.ClassObject):
            for fn in members.constructors(item):
                yield fn, item
        elif isinstance(item, t.Instance):
            for method in t.ordered(members.attribute(item, "__call__")):
                if isinstance(method, t.FunctionObject):
                    yield method.fn, method.receiver

    # --- call sites ----------------------------------------------------------------------------

    def _sites(self, fn: sc.Function) -> Iterator[CallSite]:
        for call in fn.calls:
            yield self._call(call, fn)
            if isinstance(call.node.func, s.Attribute):
                yield from self._property_reads(call.node.func, call.scope, call.context, fn)
        for implicit in fn.implicit:
            site = self._implicit(implicit, fn)
            if site is not None:
                yield site
        for reference in fn.references:
            if isinstance(reference.node, s.Attribute):
                yield from self._property_reads(
                    reference.node, reference.scope, reference.context, fn
                )
        yield from self._dependencies(fn)

    def _call(self, call: sc.RawCall, fn: sc.Function) -> CallSite:
        types = self._inference.infer(call.node.func, call.scope)
        targets: dict[sc.Function, None] = {}
        for item in t.ordered(types):
            targets.update(dict.fromkeys(target for target, _ in self._callables(item)))
        operation = operation_of(types) or self._consumes_query(call, types)
        return CallSite(
            call.node,
            fn,
            call.scope,
            call.context,
            call.awaited,
            tuple(targets),
            operation,
            bool(types) or self._inference.library.is_session_resolver(call.node),
            self._passes_session(call),
            "call",
            operation is not None and all(_is_heuristic(item) for item in types),
        )

    def _passes_session(self, call: sc.RawCall) -> bool:
        values = [*call.node.args, *(keyword.value for keyword in call.node.keywords)]
        hierarchy = self._inference.hierarchy
        return any(
            isinstance(value, _VALUES)
            and sessions.session_kind(self._inference.infer(value, call.scope), hierarchy)
            for value in values
        )

    def _consumes_query(self, call: sc.RawCall, types: Types) -> Operation | None:
        """`list(query)` and the like."""
        for item in types:
            if isinstance(item, t.External) and item.dotted in _CONSUMERS:
                for arg in call.node.args:
                    found = self._iterated(self._inference.infer(arg, call.scope))
                    if found is not None:
                        return found
        return None

    def _iterated(self, types: Types) -> Operation | None:
        for item in types:
            if isinstance(item, t.QueryOf):
                return Operation("query", "__iter__", item.session == "async")
        return None

    def _implicit(self, implicit: sc.Implicit, fn: sc.Function) -> CallSite | None:
        types = self._inference.infer(implicit.node, implicit.scope)
        if not types:
            return None
        operation = self._implicit_operation(implicit.method, types)
        targets: dict[sc.Function, None] = {}
        for item in t.ordered(types):
            if isinstance(item, t.Instance):
                for name in _SPECIAL_METHODS.get(implicit.method, (implicit.method,)):
                    for method in t.ordered(self._inference.members.attribute(item, name)):
                        if isinstance(method, t.FunctionObject):
                            targets[method.fn] = None
        if operation is None and not targets:
            return None
        return CallSite(
            implicit.node,
            fn,
            implicit.scope,
            implicit.context,
            implicit.is_async,
            tuple(targets),
            operation,
            kind="implicit",
            heuristic=all(_is_heuristic(item) for item in types),
        )

    def _implicit_operation(self, method: str, types: Types) -> Operation | None:
        if method == "__iter__":
            return self._iterated(types)
        for item in types:
            if method == "__getitem__" and isinstance(item, t.QueryOf):
                return Operation("query", method, item.session == "async")
        if method == "__enter__":
            kind = sessions.session_kind(types, self._inference.hierarchy)
            if kind is not None:
                return Operation("session", "__exit__", kind == "async")
        return None

    def _property_reads(
        self, node: s.Attribute, scope: sc.Scope, context: tuple[str, ...], fn: sc.Function
    ) -> Iterator[CallSite]:
        if node.attr not in self._properties:
            return
        targets: dict[sc.Function, None] = {}
        for item in t.ordered(self._inference.infer(node.value, scope)):
            targets.update(dict.fromkeys(self._inference.members.properties(item, node.attr)))
        if targets:
            yield CallSite(node, fn, scope, context, False, tuple(targets), kind="property")

    # --- dependencies --------------------------------------------------------------------------

    def _dependencies(self, fn: sc.Function) -> Iterator[CallSite]:
        outer = fn.scope.parent
        if not isinstance(fn.node, s.FunctionDef) or outer is None:
            return
        for param in fn.params:
            for call, scope, default in self.depends_calls(param, outer):
                targets = self.dependency_targets(call, scope, default)
                if targets:
                    self.injected.update(targets)
                    yield CallSite(call, fn, scope, (), False, targets, kind="dependency")

    def depends_calls(
        self, param: s.Parameter, scope: sc.Scope
    ) -> Iterator[tuple[s.Call, sc.Scope, s.Expr | None]]:
        """`Depends(...)` calls of a parameter: its default, or inside its `Annotated` type.

        Yields the call, the scope to read it in, and the annotated class for `Depends()`.
        """
        if isinstance(param.default, s.Call) and is_depends(param.default):
            yield param.default, scope, param.annotation
        if param.annotation is not None:
            annotation, home = self._inference.annotations.unaliased(param.annotation, scope)
            for node in _annotated_items(annotation):
                if isinstance(node, s.Call) and is_depends(node):
                    assert isinstance(annotation, s.Subscript)  # noqa: S101
                    yield node, home, subscript_items(annotation)[0]

    def dependency_targets(
        self, call: s.Call, scope: sc.Scope, annotation: s.Expr | None
    ) -> tuple[sc.Function, ...]:
        """The project functions that FastAPI calls for `Depends(...)`."""
        dependency = next((k.value for k in call.keywords if k.arg == "dependency"), None)
        if call.args:
            dependency = call.args[0]
        if dependency is not None:
            types = self._inference.infer(dependency, scope)
        elif annotation is not None:
            values = self._inference.annotations.types(annotation, scope)
            types = frozenset(t.as_class(item) for item in values)
        else:
            return ()
        found: dict[sc.Function, None] = {}
        for item in t.ordered(types):
            found.update(dict.fromkeys(target for target, _ in self._callables(item)))
        return tuple(found)

    # --- functions as values -------------------------------------------------------------------

    def _collect_uses(self, fn: sc.Function) -> None:
        for reference in fn.references:
            if sc.last_name(reference.node) not in self._names:
                continue
            types = self._inference.infer(reference.node, reference.scope)
            for item in t.ordered(types):
                if isinstance(item, t.FunctionObject) and isinstance(item.fn.node, s.FunctionDef):
                    use = ValueUse(reference.node, fn, reference.scope, reference.usage)
                    self.value_uses.setdefault(item.fn, []).append(use)


def _annotated_items(annotation: s.Expr) -> tuple[s.Expr, ...]:
    """What follows the type in `Annotated[X, ...]`."""
    if isinstance(annotation, s.Subscript) and sc.last_name(annotation.value) == "Annotated":
        index = annotation.index
        return index.items[1:] if isinstance(index, s.Sequence) else ()
    return ()


def operation_of(types: Types) -> Operation | None:
    """The database operation that calling a value of `types` is."""
    found: Operation | None = None
    for item in t.ordered(types):
        operation = _operation(item)
        if operation is not None and (found is None or not operation.is_async):
            found = operation
    return found


def _operation(item: Type) -> Operation | None:
    if isinstance(item, t.ExternalMethod):
        owner, is_async = sqlalchemy.OWNERS.get(item.owner, ("", False))
    elif isinstance(item, t.Method) and isinstance(item.owner, t.QueryOf):
        owner, is_async = "query", item.owner.session == "async"
    elif isinstance(item, t.Method) and isinstance(item.owner, t.SessionFactory):
        owner, is_async = "factory", item.owner.is_async
    else:
        return None
    if owner and item.name in sqlalchemy.OPERATIONS[owner]:
        return Operation(owner, item.name, is_async)
    return None


def _is_heuristic(item: Type) -> bool:
    return isinstance(item, t.ExternalMethod | t.ExternalInstance) and item.heuristic


def _names_with_untyped_parameters(functions: Iterable[sc.Function]) -> frozenset[str]:
    """Names under which functions with unannotated parameters are called."""
    found = set()
    for fn in functions:
        if isinstance(fn.node, s.FunctionDef):
            params = fn.params[1:] if fn.self_name else fn.params
            if any(param.annotation is None for param in params):
                is_constructor = fn.cls is not None and fn.name == "__init__"
                found.add(fn.cls.name if fn.cls and is_constructor else fn.name)
    return frozenset(found)
