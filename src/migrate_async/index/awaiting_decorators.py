"""Decorators of the project whose wrappers can become coroutines with what they wrap.

    def counted(function):
        @wraps(function)
        def wrapper(*args, **kwargs):
            return {"result": function(*args, **kwargs)}

        return wrapper

All that `counted` does is to put `wrapper` in the place of what it decorates, and all that
`wrapper` does with that is to call it. So the two are coroutines together, with all that `counted`
is on.
"""

from __future__ import annotations

from collections.abc import Callable

from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.callgraph import CallGraph
from migrate_async.index.infer import Inference
from migrate_async.index.sites import ValueUse
from migrate_async.model import syntax as s

_READS = frozenset({"arg:wraps", "arg:update_wrapper", "base"})
"""Uses of the wrapped function that do not run it: `@wraps(function)`, `function.__name__`."""


class AwaitingDecorators:
    """Answers for one project; `is_bound` says which functions can be no coroutines at all."""

    def __init__(
        self, inference: Inference, graph: CallGraph, is_bound: Callable[[sc.Function], bool]
    ) -> None:
        self._inference = inference
        self._graph = graph
        self._is_bound = is_bound
        self._known: dict[sc.Function, bool] = {}

    def returns_to(self, wrapper: sc.Function, use: ValueUse) -> bool:
        """Whether `use` of `wrapper` is that such a decorator returns it."""
        around = self._graph.parent(use.node)
        return (
            isinstance(around, s.Return)
            and use.function is wrapper.parent
            and self.is_awaiting(wrapper)
        )

    def awaits(self, decorator: s.Expr, fn: sc.Function) -> bool:
        """Whether `decorator`, on `fn`, is such a decorator, or one that serves both colours."""
        outer = fn.scope.parent
        if outer is not None and self._graph.both_colours.serves(decorator, outer):
            return True
        found = [wrapper for wrapper in self._wrappers(decorator, fn) if wrapper is not fn]
        return bool(found) and all(map(self.is_awaiting, found))

    def is_awaiting(self, wrapper: sc.Function) -> bool:
        """Whether `wrapper` can await what it wraps, and nobody else runs the one or the other."""
        if wrapper not in self._known:
            self._known[wrapper] = self._can_await(wrapper)
        return self._known[wrapper]

    def _can_await(self, wrapper: sc.Function) -> bool:
        decorator = wrapper.parent
        if decorator is None or decorator.is_module or wrapper.is_lambda or wrapper.is_generator:
            return False
        if wrapper.is_async or not isinstance(decorator.node, s.FunctionDef):
            return False
        params = decorator.params[:1]
        wrapped = self._graph.wrapped.get(wrapper, ())
        return (
            bool(params)
            and bool(wrapped)
            and not any(fn.is_async or fn.is_generator or self._is_bound(fn) for fn in wrapped)
            and self._returns_only(decorator, wrapper)
            and self._only_decorates(decorator)
            and self._only_calls(params[0].name, decorator, wrapper)
        )

    def _wrappers(self, decorator: s.Expr, fn: sc.Function) -> list[sc.Function]:
        outer = fn.scope.parent
        assert outer is not None  # noqa: S101  what is decorated stands in some scope
        makers = self._inference.infer(decorator, outer)
        values = (
            (value, item.fn.scope)
            for item in t.ordered(makers)
            if isinstance(item, t.FunctionObject)
            for value in item.fn.returns
        )
        types = t.union(self._inference.infer(value, scope) for value, scope in values)
        return [item.fn for item in t.ordered(types) if isinstance(item, t.FunctionObject)]

    def _returns_only(self, fn: sc.Function, given: sc.Function) -> bool:
        types = t.union(self._inference.infer(value, fn.scope) for value in fn.returns)
        return types == t.of(t.FunctionObject(given))

    def _only_decorates(self, decorator: sc.Function) -> bool:
        """Whether `decorator` stands behind an `@` wherever it is named."""
        if self._graph.callers.get(decorator):
            return False
        uses = self._graph.value_uses.get(decorator, ())
        return bool(uses) and all(
            use.kind == "decorator" or self._is_made(decorator, use) for use in uses
        )

    def _is_made(self, decorator: sc.Function, use: ValueUse) -> bool:
        """Whether `use` is in `def require(role): ... return decorator`, called behind an `@`."""
        maker = decorator.parent
        is_returned = isinstance(self._graph.parent(use.node), s.Return) and use.function is maker
        if maker is None or not is_returned or not self._returns_only(maker, decorator):
            return False
        calls = self._graph.callers.get(maker, ())
        others = (use.kind for use in self._graph.value_uses.get(maker, ()))
        return all(kind == "base" for kind in others) and all(
            self._is_behind_at(site.node) for site in calls
        )

    def _is_behind_at(self, call: s.Expr) -> bool:
        around = self._graph.parent(call)
        return isinstance(around, s.FunctionDef) and call in around.decorators

    def _only_calls(self, name: str, decorator: sc.Function, wrapper: sc.Function) -> bool:
        """Whether `wrapper` calls the parameter, and knows all functions that it may be."""
        for fn in self._inference.symbols.functions:
            if fn is not decorator and fn is not wrapper and decorator not in fn.around:
                continue
            for reference in fn.references:
                is_it = isinstance(reference.node, s.Name) and reference.node.id == name
                if is_it and reference.usage not in _READS:
                    return False
        sites = [
            site
            for site in self._graph.calls.get(wrapper, ())
            if isinstance(site.node, s.Call)
            and isinstance(site.node.func, s.Name)
            and site.node.func.id == name
        ]
        wrapped = set(self._graph.wrapped.get(wrapper, ()))
        return bool(sites) and all(wrapped <= set(site.targets) for site in sites)
