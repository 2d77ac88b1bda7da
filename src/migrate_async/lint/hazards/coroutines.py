"""Calls that give an awaitable, and what becomes of it: what is done to it that only works on the
result means that the `await` was forgotten.

Passing it on, storing it, returning it or yielding it is left alone, because somebody may await it
later, unless annotations say otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from migrate_async.index.scopes import Function, ParameterBinding, last_name
from migrate_async.index.sites import CallSite
from migrate_async.index.types import FunctionObject
from migrate_async.knowledge import boundaries, fastapi
from migrate_async.knowledge.async_api import AWAITED, GENERATOR_COUNTERPARTS, STREAMS
from migrate_async.lint.flow.handlers import caught_names
from migrate_async.lint.hazards.misuse import Misuses
from migrate_async.lint.hazards.narrowing import is_narrowed
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence
from migrate_async.plan.hazards.confidence import weakest


@dataclass(frozen=True)
class Forgotten:
    """The awaitable that `site` gives is misused at `node`, as `what` says."""

    site: CallSite
    node: s.AnyNode
    what: str
    confidence: Confidence


_PLAIN_DECORATORS = (
    (boundaries.TRANSPARENT_DECORATORS - {"fixture"})
    | boundaries.RETRY_DECORATORS
    | fastapi.HANDLER_DECORATORS
    | frozenset(fastapi.ROUTE_METHODS)
)


class Coroutines:
    """Finds forgotten awaits."""

    def __init__(self, view: View) -> None:
        self._project = view.project
        self._misuses = Misuses(view.project)

    def forgotten(self, function: Function) -> Iterator[Forgotten]:
        """In the code of `function`, in the order of its calls."""
        for site in self._project.calls(function):
            if not isinstance(site.node, s.Call) or not _is_plain_call(site):
                continue
            confidence = self.gives_awaitable(site)
            if confidence is None or is_narrowed(self._project, site.node.func, function):
                continue
            if self._is_expected_to_fail(site) or self._is_fallback(site.node):
                continue
            found = self._misuses.of(site.node, site)
            if found is not None:
                sure = weakest(confidence, found.confidence)
                yield Forgotten(site, found.node, found.what, sure)

    def _is_expected_to_fail(self, site: CallSite) -> bool:
        """`with pytest.raises(TypeError): f(wrong=1)`: the call itself raises."""
        block = self._project.parent(self._project.statement_of(site.node))
        return isinstance(block, s.With) and any(
            last_name(item.context) in ("raises", "assertRaises") for item in block.items
        )

    def _is_fallback(self, node: s.AnyNode) -> bool:
        """`except TypeError:` after an `await`: the object turned out to be a sync one."""
        around: s.AnyNode | s.ModuleSyntax = node
        while not isinstance(around, s.ModuleSyntax | s.FunctionDef):
            if isinstance(around, s.Handler) and "TypeError" in caught_names(around):
                return True
            around = self._project.parent(around)
        return False

    # --- what gives an awaitable ---------------------------------------------------------------

    def gives_awaitable(self, site: CallSite) -> Confidence | None:
        """How sure it is that the value of `site` has to be awaited; None: it need not be."""
        assert isinstance(site.node, s.Call)  # noqa: S101  the caller has looked at the kind
        operation = site.operation
        if operation is not None:
            names = AWAITED.get(operation.owner, frozenset()) | STREAMS.get(
                operation.owner, frozenset()
            )
            is_coroutine = operation.is_async and operation.name in names
            return Confidence.HIGH if is_coroutine and not site.targets else None
        types = self._project.infer(site.node.func, site.scope)
        functions = [item.fn for item in types if isinstance(item, FunctionObject)]
        if not functions or len(functions) != len(types):
            return None
        if not all(_is_coroutine_function(fn) for fn in functions):
            return None
        is_plain = all(fn.decorator_names <= _PLAIN_DECORATORS for fn in functions)
        is_sure = is_plain and not self._is_given(site.node.func, site)
        return Confidence.HIGH if is_sure else Confidence.MEDIUM

    def _is_given(self, callee: s.Expr, site: CallSite) -> bool:
        """Whether a caller gives the callee, who may give other functions elsewhere."""
        name = callee.id if isinstance(callee, s.Name) else ""
        bindings = self._project.names.bindings(name, site.scope) if name else ()
        return any(isinstance(binding, ParameterBinding) for binding in bindings)


def _is_plain_call(site: CallSite) -> bool:
    return site.kind == "call" and not site.awaited and "annotation" not in site.context


def _is_coroutine_function(function: Function) -> bool:
    """An abstract method without `yield` may still stand for an async generator."""
    if not function.is_async or function.is_generator:
        return False
    returns = function.node.returns if isinstance(function.node, s.FunctionDef) else None
    head = returns.value if isinstance(returns, s.Subscript) else returns
    return head is None or last_name(head) not in GENERATOR_COUNTERPARTS.values()
