"""Who calls whom: call sites with their targets and database operations, and value uses.

Besides calls as written there are sites for what runs a function without one: reading a
property, `for`, `with` and `[...]` on an object with special methods, and `Depends(f)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property

import msgspec

from migrate_async.index import bridges, keyed, operations, providers, sessions
from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.both_colours import BothColours
from migrate_async.index.by_name import uses_by_name
from migrate_async.index.calls import arguments
from migrate_async.index.dependencies import Dependencies
from migrate_async.index.function_aliases import function_aliases
from migrate_async.index.implicit import Implicit
from migrate_async.index.infer import Inference
from migrate_async.index.operations import Operation
from migrate_async.index.originals import Originals, find_originals
from migrate_async.index.parameters import Parameters, callable_params
from migrate_async.index.sites import CallSite, ValueUse
from migrate_async.index.sync_sides import async_sides, sync_sides
from migrate_async.index.types import Types
from migrate_async.index.wrappers import wrapped
from migrate_async.knowledge.shim import CALL_ASYNC
from migrate_async.model import syntax as s

_VALUES = frozenset({s.Name, s.Attribute, s.Call, s.Await})
_MAX_ROUNDS = 2
_PARTIAL = "partial"


def _same(types: Types) -> Types:
    return types


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
        self.passing: dict[CallSite, bool] = {}
        self.value_uses: dict[sc.Function, list[ValueUse]] = {}
        self.injected: set[sc.Function] = set()
        """Functions that a `Depends(...)` names."""
        self.originals: Originals = find_originals(self._functions)
        self.both_colours = BothColours(inference)
        self._implicit = Implicit(inference)
        self._names = {fn.name for fn in self._functions if isinstance(fn.node, s.FunctionDef)}
        """Names under which functions are read."""
        self._aliases: Mapping[s.Expr, str] = {}

    @cached_property
    def wrapped(self) -> dict[sc.Function, tuple[sc.Function, ...]]:
        """By each function that a decorator returns: what the decorator is on."""
        return wrapped(self._inference)

    def parent(self, node: s.AnyNode) -> s.AnyNode | s.ModuleSyntax:
        """The node around `node`."""
        return self._inference.symbols.parents[node]

    def build(self) -> None:
        """Resolve everything. Arguments of unannotated parameters are learnt first."""
        for _ in range(_MAX_ROUNDS):
            if not self._learn():
                break
            self._inference.forget()
        self._aliases = function_aliases(self._inference, self._names)
        self._names |= set(self._aliases.values())
        for fn in self._functions:
            sites = list(self._sites(fn))
            self.calls[fn] = sites
            for site in sites:
                for target in site.targets:
                    self.callers.setdefault(target, []).append(site)
            self._collect_uses(fn)
            for used, use in uses_by_name(fn, self._inference):
                self.value_uses.setdefault(used, []).append(use)
            for site in (*self._bridges_in(fn), *self._twin_calls(sites)):
                self.bridges.setdefault(fn, []).append(site)
                for target in site.targets:
                    self.bridged.setdefault(target, []).append(site)

    # --- arguments of unannotated parameters ---------------------------------------------------

    def _learn(self) -> bool:
        wanted = _names_with_open_parameters(self._functions, self._inference.parameters)
        wanted |= frozenset(_fields_of_functions(self._inference.symbols.classes))
        learnt = False
        for fn in self._functions:
            learnt = self._learn_decorated(fn) or learnt
            for call in fn.calls:
                if call.name in wanted or _calls_a_value(call):
                    learnt = self._learn_from(call.node, call.scope) or learnt
                if call.name in keyed.NAMES:
                    learnt = self._learn_keyed(call) or learnt
                if call.name == _PARTIAL and len(call.node.args) > 1:
                    learnt = self._learn_from(bridges.direct(call.node), call.scope) or learnt
                learnt = self._learn_provided(call) or learnt
                if bridges.is_bridge(call.node, call.scope, self._inference):
                    direct = bridges.direct(call.node)
                    learnt = self._learn_from(direct, call.scope, sync_sides) or learnt
                elif bridges.is_call_async(call.node, call.scope, self._inference):
                    direct = bridges.direct(call.node)
                    learnt = self._learn_from(direct, call.scope, async_sides) or learnt
        return learnt

    def _learn_decorated(self, fn: sc.Function) -> bool:
        """A decorator's first parameter is the function that it decorates."""
        if not isinstance(fn.node, s.FunctionDef) or fn.scope.parent is None:
            return False
        parameters, learnt = self._inference.parameters, False
        for decorator in fn.node.decorators:
            if sc.last_name(decorator) == "wraps":
                continue  # which calls nothing of what it is given
            for item in t.ordered(self._inference.infer(decorator, fn.scope.parent)):
                for target, receiver in self._inference.members.callables(item):
                    first = callable_params(target, receiver)[:1]
                    if first and parameters.is_open(target, first[0]):
                        types = t.of(t.FunctionObject(fn))
                        learnt = parameters.learn(target, first[0], types) or learnt
        return learnt

    def _learn_from(
        self, call: s.Call, scope: sc.Scope, given: Callable[[Types], Types] = _same
    ) -> bool:
        """From the arguments of `call`, of which the function gets what is `given` of their types.

        A bridge gives the sync sides.
        """
        infer, learnt = self._inference.infer, False
        for item in t.ordered(infer(call.func, scope)):
            for target, receiver in self._inference.members.callables(item):
                for param, value in arguments(callable_params(target, receiver), call):
                    if self._inference.parameters.is_open(target, param):
                        types = given(infer(value, scope))
                        learnt = self._inference.parameters.learn(target, param, types) or learnt
        return learnt

    def _learn_keyed(self, call: sc.RawCall) -> bool:
        """From `map(show, orders)`."""
        parameters, learnt = self._inference.parameters, False
        for found in keyed.keyed(call.node):
            if isinstance(found.function, s.Lambda):
                continue  # which looks for itself what it is given
            for item in t.ordered(self._inference.infer(found.function, call.scope)):
                for target, receiver in self._inference.members.callables(item):
                    params = callable_params(target, receiver)[found.position : found.position + 1]
                    if params and parameters.is_open(target, params[0]):
                        types = parameters.items(found, call.scope)
                        learnt = parameters.learn(target, params[0], types) or learnt
        return learnt

    def _learn_provided(self, call: sc.RawCall) -> bool:
        """From `Factory(UserRepository, session_factory=db.provided.session)`."""
        parameters, learnt = self._inference.parameters, False
        for target, param, value in providers.handed(call, self._inference):
            if parameters.is_open(target, param):
                types = providers.injected(self._inference.infer(value, call.scope))
                learnt = parameters.learn(target, param, types) or learnt
        return learnt

    # --- call sites ----------------------------------------------------------------------------

    def _sites(self, fn: sc.Function) -> Iterator[CallSite]:
        in_bridge = self._is_bridged(fn)
        for call in fn.calls:
            called = self._call(call, fn)
            yield msgspec.structs.replace(called, kind="bridge") if in_bridge else called
        yield from self._implicit.of(fn)
        yield from self._dependencies(fn)

    def _call(self, call: sc.RawCall, fn: sc.Function) -> CallSite:
        if self.both_colours.runs(call.node, fn):
            return CallSite(call.node, fn, call.scope, call.context, call.awaited, (), None, True)
        if bridges.is_call_async(call.node, call.scope, self._inference):
            run = bridges.targets(call.node, call.scope, self._inference)
            return CallSite(call.node, fn, call.scope, call.context, False, run, kind=CALL_ASYNC)
        types = self._inference.infer(call.node.func, call.scope)
        targets: dict[sc.Function, None] = {}
        for item in t.ordered(types):
            targets.update(
                dict.fromkeys(target for target, _ in self._inference.members.callables(item))
            )
        targets.update(dict.fromkeys(self._decorated(call, fn)))
        operation = operations.operation_of(types) or self._consumes_query(call, types)
        is_known = not all(map(_is_any_class, types))
        return CallSite(
            call.node,
            fn,
            call.scope,
            call.context,
            call.awaited,
            tuple(targets),
            operation,
            is_known or self._inference.library.is_session_resolver(call.node),
            "call",
            operation is not None and operations.is_heuristic(types),
        )

    def _decorated(self, call: sc.RawCall, fn: sc.Function) -> tuple[sc.Function, ...]:
        """What a wrapper runs by calling the parameter of its decorator, however many these are."""
        decorator, func = fn.parent, call.node.func
        if decorator is None or decorator.is_module or not isinstance(func, s.Name):
            return ()
        is_it = any(func.id == param.name for param in decorator.params[:1])
        return self.wrapped.get(fn, ()) if is_it and func.id not in fn.scope.names else ()

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
        found = self.passing.get(site)
        if found is None:
            found = self.passing[site] = self._passes_session(site)
        return found

    def _passes_session(self, site: CallSite) -> bool:
        if site.kind not in ("call", "bridge", CALL_ASYNC) or not isinstance(site.node, s.Call):
            return False
        if site in self.bridges.get(site.function, ()):
            return False
        values = site.node.values
        hierarchy = self._inference.hierarchy
        return any(
            type(value) in _VALUES
            and sessions.session_kind(self._inference.infer(value, site.scope), hierarchy)
            for value in values
        )

    def _consumes_query(self, call: sc.RawCall, types: Types) -> Operation | None:
        """`list(query)` and the like."""
        if not operations.is_consumer(types):
            return None
        found = [self._inference.infer(arg, call.scope) for arg in call.node.args]
        return next(filter(None, map(operations.iteration, found)), None)

    def _dependencies(self, fn: sc.Function) -> Iterator[CallSite]:
        for depends, targets in self.dependencies.of_function(fn):
            self.injected.update(targets)
            node = depends.written
            yield CallSite(node, fn, depends.scope, (), False, targets, kind="dependency")

    # --- functions as values -------------------------------------------------------------------

    def _collect_uses(self, fn: sc.Function) -> None:
        for reference in fn.references:
            node = reference.node
            name = node.attr if type(node) is s.Attribute else sc.last_name(node)
            if name not in self._names or node in self._aliases:
                continue
            if fn.is_module and self._is_exported(node):
                continue
            types = self._inference.infer(node, reference.scope)
            for item in t.ordered(providers.injected(types)):
                if isinstance(item, t.FunctionObject) and isinstance(item.fn.node, s.FunctionDef):
                    use = ValueUse(reference.node, fn, reference.scope, reference.usage)
                    self.value_uses.setdefault(item.fn, []).append(use)

    def _is_exported(self, node: s.Expr) -> bool:
        """Whether `node` stands in `__all__ = [...]`, where names belong: nobody calls it there."""
        around = self.parent(node)
        statement = self.parent(around) if isinstance(around, s.Sequence) else None
        return isinstance(statement, s.Assign) and "__all__" in map(
            s.dotted_name, statement.targets
        )


def _is_any_class(item: t.Type) -> bool:
    """Whether it is a class of which nothing is known: `Model` of `TypeVar("Model")`."""
    return isinstance(item, t.TypeVariable) and item.is_class and not item.bound


def _calls_a_value(call: sc.RawCall) -> bool:
    """Whether it calls what a parameter or a table gives: `step(order)`, `STEPS[kind](order)`."""
    func = call.node.func
    if not isinstance(func, s.Name):
        return isinstance(func, s.Subscript | s.Call)
    return any(map(_is_given, sc.bindings_of(func.id, call.scope)))


def _is_given(binding: sc.Binding) -> bool:
    """Whether a table, a call or a caller gives what `binding` binds."""
    if isinstance(binding, sc.ElementBinding):
        binding = binding.source
    if isinstance(binding, sc.ValueBinding):
        return isinstance(binding.value, s.Subscript | s.Call | s.Conditional)
    return isinstance(binding, sc.ParameterBinding | sc.IterationBinding)


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
                found.add("__init__")  # super().__init__(...)
            else:
                found.add(fn.name)
    return frozenset(found)


def _fields_of_functions(classes: Iterable[sc.Class]) -> Iterator[str]:
    """The attributes in which objects keep functions: `value: Callable[[User], str]`."""
    for cls in classes:
        for name, bindings in cls.scope.names.items():
            for binding in bindings:
                if isinstance(binding, sc.AnnotatedBinding) and any(
                    isinstance(part, s.Name | s.Attribute) and sc.last_name(part) == "Callable"
                    for part in s.walk(binding.annotation)
                ):
                    yield name


def _constructed(cls: sc.Class) -> Iterator[str]:
    """The names of the classes whose constructor is that of `cls`."""
    yield cls.name
    for sub in cls.subs:
        if "__init__" not in sub.scope.names:
            yield from _constructed(sub)
