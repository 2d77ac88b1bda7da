"""What runs a function without calling it: properties, special methods, validators."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from migrate_async.index import operations
from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.infer import Inference
from migrate_async.index.members import is_property
from migrate_async.index.sites import CallSite
from migrate_async.index.types import Types
from migrate_async.knowledge.dispatch import SPECIAL_METHODS
from migrate_async.model import syntax as s

_METHODS = {
    "__enter__": (("__enter__",), ("__exit__",), ("__aenter__",), ("__aexit__",)),
    "__contains__": (("__contains__", "__iter__"),),
}
"""Of each kind of syntax, the methods that it runs: of each tuple the first that there is."""


class Implicit:
    """Finds the sites of one project."""

    def __init__(self, inference: Inference) -> None:
        functions = inference.symbols.functions
        self._inference = inference
        self._properties = frozenset(fn.name for fn in functions if is_property(fn))
        self._properties |= inference.descriptors.names
        self._validators = _validators(functions)

    def of(self, fn: sc.Function) -> Iterator[CallSite]:
        """The sites of what `fn` does beside calls."""
        for call in fn.calls:
            yield from self._of_call(call, fn)
        for implicit in fn.implicit:
            site = self._syntax(implicit, fn)
            if site is not None:
                yield site
        for item in (*fn.references, *fn.sets):
            if type(item.node) is s.Attribute:
                yield from self._property_reads(item.node, item.scope, item.context, fn)
        for item in fn.sets:
            yield from self._validated(item, fn)

    def _of_call(self, call: sc.RawCall, fn: sc.Function) -> Iterator[CallSite]:
        if isinstance(call.node.func, s.Attribute):
            yield from self._property_reads(call.node.func, call.scope, call.context, fn)
        elif call.name in SPECIAL_METHODS and call.node.args:
            yield from self._special(call, fn)
        elif call.name == "setattr" and len(call.node.args) > 1 and self._validators:
            yield from self._validated_by_name(call, fn)

    def _special(self, call: sc.RawCall, fn: sc.Function) -> Iterator[CallSite]:
        """`len(x)` and the like, which run a special method of `x`."""
        value = call.node.args[0]
        targets = self._methods_of(
            self._inference.infer(value, call.scope), SPECIAL_METHODS[call.name]
        )
        if targets:
            yield CallSite(
                value, fn, call.scope, call.context, False, tuple(targets), kind="implicit"
            )

    def _methods_of(self, types: Types, names: Iterable[str]) -> dict[sc.Function, None]:
        """The methods that objects of the project have of one of `names`, the first they have."""
        targets: dict[sc.Function, None] = {}
        for item in t.ordered(types):
            if isinstance(item, t.Instance):
                found = (self._inference.members.methods(item, name) for name in names)
                targets.update(dict.fromkeys(next(filter(None, found), ())))
        return targets

    def _syntax(self, implicit: sc.Implicit, fn: sc.Function) -> CallSite | None:
        types = self._inference.infer(implicit.node, implicit.scope)
        if not types:
            return None
        operation = operations.implicit(implicit.method, types, self._inference.hierarchy)
        targets: dict[sc.Function, None] = {}
        for names in _METHODS.get(implicit.method, ((implicit.method,),)):
            targets.update(self._methods_of(types, names))
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
            heuristic=operations.is_heuristic(types),
        )

    def _property_reads(
        self, node: s.Attribute, scope: sc.Scope, context: tuple[str, ...], fn: sc.Function
    ) -> Iterator[CallSite]:
        if node.attr not in self._properties:
            return
        targets: dict[sc.Function, None] = {}
        for item in t.ordered(self._inference.infer(node.value, scope)):
            targets.update(dict.fromkeys(self._inference.members.properties(item, node.attr)))
        if targets:
            awaited = isinstance(self._inference.symbols.parents[node], s.Await)
            yield CallSite(node, fn, scope, context, awaited, tuple(targets), kind="property")

    def _validated(self, item: sc.Reference, fn: sc.Function) -> Iterator[CallSite]:
        """`user.name = ...` runs what `@validates("name")` is on."""
        node = item.node
        if not isinstance(node, s.Attribute) or node.attr not in self._validators:
            return
        targets = self._validators_of(node.value, item.scope, self._validators[node.attr])
        if targets:
            yield CallSite(node, fn, item.scope, item.context, False, targets, kind="property")

    def _validated_by_name(self, call: sc.RawCall, fn: sc.Function) -> Iterator[CallSite]:
        """`setattr(user, name, ...)` may run any of them."""
        owner, name = call.node.args[:2]
        known = self._validators
        if isinstance(name, s.Constant):
            found = known.get(str(name.value), [])
        else:
            found = [validator for validators in known.values() for validator in validators]
        targets = self._validators_of(owner, call.scope, found)
        if targets:
            yield CallSite(owner, fn, call.scope, call.context, False, targets, kind="implicit")

    def _validators_of(
        self, owner: s.Expr, scope: sc.Scope, validators: Iterable[sc.Function]
    ) -> tuple[sc.Function, ...]:
        """Those of `validators` that the classes of `owner` have."""
        types = self._inference.infer(owner, scope)
        orders = (
            self._inference.hierarchy.order(item.cls)
            for item in types
            if isinstance(item, t.Instance)
        )
        classes = {ancestor.cls for order in orders for ancestor in order}
        return tuple(found for found in validators if found.cls in classes)


def _validators(functions: Iterable[sc.Function]) -> dict[str, list[sc.Function]]:
    """The functions below `@validates("name", ...)` by the attributes that these name."""
    found: dict[str, list[sc.Function]] = {}
    for fn in functions:
        if "validates" not in fn.decorator_names or not isinstance(fn.node, s.FunctionDef):
            continue
        for decorator in fn.node.decorators:
            for arg in decorator.args if isinstance(decorator, s.Call) else ():
                if isinstance(arg, s.Constant):
                    found.setdefault(str(arg.value), []).append(fn)
    return found
