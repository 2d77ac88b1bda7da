"""Who calls whom: call sites with their targets and database operations, and value uses.

Besides calls as written there are sites for what runs a function without one: reading a
property, `for`, `with` and `[...]` on an object with special methods, and `Depends(f)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from migrate_async.index import bridges, operations, sessions
from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.calls import arguments
from migrate_async.index.dependencies import Dependencies
from migrate_async.index.infer import Inference
from migrate_async.index.library import GETATTR, ends_of
from migrate_async.index.members import is_property
from migrate_async.index.operations import Operation
from migrate_async.index.originals import Originals, find_originals
from migrate_async.index.parameters import Parameters, callable_params
from migrate_async.index.types import Types
from migrate_async.knowledge.dispatch import SPECIAL_METHODS
from migrate_async.model import syntax as s

_METHODS = {
    "__enter__": (("__enter__",), ("__exit__",), ("__aenter__",), ("__aexit__",)),
    "__contains__": (("__contains__", "__iter__"),),
}
"""Of each kind of syntax, the methods that it runs: of each tuple the first that there is."""
_VALUES = (s.Name, s.Attribute, s.Call, s.Await)
_MAX_ROUNDS = 2


class CallSite(msgspec.Struct, frozen=True, eq=False, gc=False):
    """One place that runs code.

    `node` is a `Call` when `kind` is `call`, `dependency` or `bridge` (see `index.bridges`; the
    call of a lambda's body, if the bridge runs a lambda); for `property` the attribute, for
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
        self.dependencies = Dependencies(inference)
        self.calls: dict[sc.Function, list[CallSite]] = {}
        self.callers: dict[sc.Function, list[CallSite]] = {}
        self.bridges: dict[sc.Function, list[CallSite]] = {}
        """Bridges that run a named function; these are no calls of it."""
        self.bridged: dict[sc.Function, list[CallSite]] = {}
        """The same by the function that they run."""
        self._passing: dict[CallSite, bool] = {}
        self.value_uses: dict[sc.Function, list[ValueUse]] = {}
        self.injected: set[sc.Function] = set()
        """Functions that a `Depends(...)` names."""
        self.originals: Originals = find_originals(self._functions)
        self._properties = frozenset(fn.name for fn in self._functions if is_property(fn))
        self._names = frozenset(
            fn.name for fn in self._functions if isinstance(fn.node, s.FunctionDef)
        )

    def parent(self, node: s.AnyNode) -> s.AnyNode | s.ModuleSyntax:
        """The node around `node`."""
        return self._inference.symbols.parents[node]

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
            self._collect_by_name(fn)
            for site in (*self._bridges_in(fn), *self._twin_calls(sites)):
                self.bridges.setdefault(fn, []).append(site)
                for target in site.targets:
                    self.bridged.setdefault(target, []).append(site)

    # --- arguments of unannotated parameters ---------------------------------------------------

    def _learn(self) -> bool:
        wanted = _names_with_open_parameters(self._functions, self._inference.parameters)
        learnt = False
        for fn in self._functions:
            learnt = self._learn_decorated(fn) or learnt
            for call in fn.calls:
                if call.name in wanted:
                    learnt = self._learn_from(call) or learnt
        return learnt

    def _learn_decorated(self, fn: sc.Function) -> bool:
        """A decorator's first parameter is the function that it decorates."""
        if not isinstance(fn.node, s.FunctionDef) or fn.scope.parent is None:
            return False
        parameters, learnt = self._inference.parameters, False
        for decorator in fn.node.decorators:
            for item in t.ordered(self._inference.infer(decorator, fn.scope.parent)):
                for target, receiver in self._inference.members.callables(item):
                    first = callable_params(target, receiver)[:1]
                    if first and parameters.is_open(target, first[0]):
                        types = t.of(t.FunctionObject(fn))
                        learnt = parameters.learn(target, first[0], types) or learnt
        return learnt

    def _learn_from(self, call: sc.RawCall) -> bool:
        infer, learnt = self._inference.infer, False
        for item in t.ordered(infer(call.node.func, call.scope)):
            for target, receiver in self._inference.members.callables(item):
                for param, value in arguments(callable_params(target, receiver), call.node):
                    if self._inference.parameters.is_open(target, param):
                        types = infer(value, call.scope)
                        learnt = self._inference.parameters.learn(target, param, types) or learnt
        return learnt

    # --- call sites ----------------------------------------------------------------------------

    def _sites(self, fn: sc.Function) -> Iterator[CallSite]:
        in_bridge = self._is_bridged(fn)
        for call in fn.calls:
            called = self._call(call, fn)
            yield msgspec.structs.replace(called, kind="bridge") if in_bridge else called
            if isinstance(call.node.func, s.Attribute):
                yield from self._property_reads(call.node.func, call.scope, call.context, fn)
            elif call.name in SPECIAL_METHODS and call.node.args:
                yield from self._special(call, fn)
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
            targets.update(
                dict.fromkeys(target for target, _ in self._inference.members.callables(item))
            )
        operation = operations.operation_of(types) or self._consumes_query(call, types)
        return CallSite(
            call.node,
            fn,
            call.scope,
            call.context,
            call.awaited,
            tuple(targets),
            operation,
            bool(types) or self._inference.library.is_session_resolver(call.node),
            "call",
            operation is not None and operations.is_heuristic(types),
        )

    def _bridges_in(self, fn: sc.Function) -> Iterator[CallSite]:
        for call in fn.calls:
            yield from self._bridge(call, fn)

    def _twin_calls(self, sites: Iterable[CallSite]) -> Iterator[CallSite]:
        """A call of an async twin also stands for one of the sync original."""
        originals = self.originals.originals
        for site in sites if originals else ():
            found = tuple(originals[target] for target in site.targets if target in originals)
            if found and site.kind == "call":
                yield msgspec.structs.replace(site, targets=found, kind="bridge")

    def _bridge(self, call: sc.RawCall, fn: sc.Function) -> Iterator[CallSite]:
        if bridges.is_bridge(call.node, call.scope, self._inference):
            targets = bridges.targets(call.node, call.scope, self._inference)
            if targets:
                yield CallSite(
                    call.node, fn, call.scope, call.context, True, targets, kind="bridge"
                )

    def _is_bridged(self, fn: sc.Function) -> bool:
        """Whether `fn` is the lambda that a bridge runs."""
        if not isinstance(fn.node, s.Lambda) or fn.scope.parent is None:
            return False
        around = self.parent(fn.node)
        return (
            isinstance(around, s.Call)
            and around.args[:1] == (fn.node,)
            and bridges.is_bridge(around, fn.scope.parent, self._inference)
        )

    def passes_session(self, site: CallSite) -> bool:
        """Whether an argument of the call `site` is a session; what a bridge is given is none."""
        found = self._passing.get(site)
        if found is None:
            found = self._passing[site] = self._passes_session(site)
        return found

    def _passes_session(self, site: CallSite) -> bool:
        if site.kind not in ("call", "bridge") or not isinstance(site.node, s.Call):
            return False
        if site in self.bridges.get(site.function, ()):
            return False
        values = [*site.node.args, *(keyword.value for keyword in site.node.keywords)]
        hierarchy = self._inference.hierarchy
        return any(
            isinstance(value, _VALUES)
            and sessions.session_kind(self._inference.infer(value, site.scope), hierarchy)
            for value in values
        )

    def _consumes_query(self, call: sc.RawCall, types: Types) -> Operation | None:
        """`list(query)` and the like."""
        if not operations.is_consumer(types):
            return None
        found = [self._inference.infer(arg, call.scope) for arg in call.node.args]
        return next(filter(None, map(operations.iteration, found)), None)

    def _special(self, call: sc.RawCall, fn: sc.Function) -> Iterator[CallSite]:
        """`len(x)` and the like, which run a special method of `x`."""
        value = call.node.args[0]
        targets = self._special_methods(
            self._inference.infer(value, call.scope), SPECIAL_METHODS[call.name]
        )
        if targets:
            yield CallSite(
                value, fn, call.scope, call.context, False, tuple(targets), kind="implicit"
            )

    def _special_methods(self, types: Types, names: Iterable[str]) -> dict[sc.Function, None]:
        """The methods that objects of the project have of one of `names`, the first they have."""
        targets: dict[sc.Function, None] = {}
        for item in t.ordered(types):
            if isinstance(item, t.Instance):
                found = (self._inference.members.methods(item, name) for name in names)
                targets.update(dict.fromkeys(next(filter(None, found), ())))
        return targets

    def _implicit(self, implicit: sc.Implicit, fn: sc.Function) -> CallSite | None:
        types = self._inference.infer(implicit.node, implicit.scope)
        if not types:
            return None
        operation = operations.implicit(implicit.method, types, self._inference.hierarchy)
        targets: dict[sc.Function, None] = {}
        for names in _METHODS.get(implicit.method, ((implicit.method,),)):
            targets.update(self._special_methods(types, names))
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
            yield CallSite(node, fn, scope, context, False, tuple(targets), kind="property")

    def _dependencies(self, fn: sc.Function) -> Iterator[CallSite]:
        for depends, targets in self.dependencies.of_function(fn):
            self.injected.update(targets)
            yield CallSite(depends.call, fn, depends.scope, (), False, targets, kind="dependency")

    # --- functions as values -------------------------------------------------------------------

    def _collect_uses(self, fn: sc.Function) -> None:
        for reference in fn.references:
            node = reference.node
            name = node.attr if isinstance(node, s.Attribute) else sc.last_name(node)
            if name not in self._names:
                continue
            types = self._inference.infer(node, reference.scope)
            for item in t.ordered(types):
                if isinstance(item, t.FunctionObject) and isinstance(item.fn.node, s.FunctionDef):
                    use = ValueUse(reference.node, fn, reference.scope, reference.usage)
                    self.value_uses.setdefault(item.fn, []).append(use)

    def _collect_by_name(self, fn: sc.Function) -> None:
        """`getattr(self, name)(...)`: any of the functions may be called there."""
        for call in fn.calls:
            read = self._read_by_name(call)
            if read is None or ends_of(read.args[1]) is not None:
                continue
            for owner in t.ordered(self._inference.infer(read.args[0], call.scope)):
                for item in t.ordered(self._inference.members.functions(owner)):
                    if isinstance(item, t.FunctionObject):
                        use = ValueUse(read, fn, call.scope, "value")
                        self.value_uses.setdefault(item.fn, []).append(use)

    def _read_by_name(self, call: sc.RawCall) -> s.Call | None:
        """The `getattr(x, name)` whose value is called."""
        func: s.Expr | None = call.node.func
        if isinstance(func, s.Name):
            values = [
                binding.value
                for binding in call.scope.names.get(func.id, ())
                if isinstance(binding, sc.ValueBinding)
            ]
            func = values[0] if len(values) == 1 else None
        if not isinstance(func, s.Call) or len(func.args) < 2:
            return None
        types = self._inference.infer(func, call.scope)
        is_read = any(
            isinstance(item, t.ExternalResult) and item.dotted == GETATTR for item in types
        )
        return func if is_read else None


def _names_with_open_parameters(
    functions: Iterable[sc.Function], parameters: Parameters
) -> frozenset[str]:
    """Names under which functions are called that have something to learn from arguments."""
    found: set[str] = set()
    for fn in functions:
        params = fn.params[1:] if fn.self_name else fn.params
        if any(parameters.is_open(fn, param) for param in params):
            if fn.cls is not None and fn.name == "__init__":
                found.update(_constructed(fn.cls))
            else:
                found.add(fn.name)
    return frozenset(found)


def _constructed(cls: sc.Class) -> Iterator[str]:
    """The names of the classes whose constructor is that of `cls`."""
    yield cls.name
    for sub in cls.subs:
        if "__init__" not in sub.scope.names:
            yield from _constructed(sub)
