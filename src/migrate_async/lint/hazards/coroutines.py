"""Calls that give an awaitable, and what becomes of it: what is done to it that only works on the
result means that the `await` was forgotten.

Passing it on, storing it, returning it or yielding it is left alone: somebody may await it later.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from migrate_async.index.callgraph import CallSite
from migrate_async.index.scopes import AnnotatedBinding, Function, Scope, ValueBinding, last_name
from migrate_async.index.types import FunctionObject
from migrate_async.knowledge import boundaries, fastapi
from migrate_async.knowledge.async_api import AWAITED, CONTEXT, GENERATOR_COUNTERPARTS, STREAMS
from migrate_async.lint.flow.handlers import caught_names
from migrate_async.lint.hazards.handed_on import HandedOn
from migrate_async.lint.hazards.narrowing import is_narrowed
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence
from migrate_async.plan.hazards.confidence import weakest


class Misuse(enum.Enum):
    """What is done to an awaitable as if it were the result."""

    DROPPED = "is never awaited"
    ATTRIBUTE = "is not awaited before its attribute `{}` is read"
    INDEX = "is not awaited before it is indexed"
    ITERATION = "is not awaited before it is iterated over"
    TRUTH = "is not awaited before it is tested: a coroutine is always true"
    OPERAND = "is not awaited before `{}`"
    ARGUMENT = "is not awaited before it is given to `{}()`"
    WITH = "is not awaited before it is entered"
    TEXT = "is not awaited before it is put into a string"
    UNPACKED = "is not awaited before it is unpacked"


_FATAL = tuple(
    misuse.value.partition("{")[0] for misuse in (Misuse.ATTRIBUTE, Misuse.INDEX, Misuse.ITERATION)
)
"""What fails on every coroutine, whatever else is done with it."""


@dataclass(frozen=True)
class Forgotten:
    """The awaitable that `site` gives is misused at `node`, as `what` says."""

    site: CallSite
    node: s.AnyNode
    what: str
    confidence: Confidence


_AWAITABLE_MEMBERS = frozenset(
    {"close", "send", "throw", "cr_frame", "cr_running", "cr_code", "cr_await", "__await__"}
)
_EAGER_BUILTINS = frozenset(
    {"len", "list", "bool", "str", "int", "float", "set", "dict", "sorted", "sum", "max", "min"}
    | {"any", "all", "tuple", "enumerate", "zip", "reversed", "next", "round", "abs"}
)
_PLAIN_DECORATORS = (
    (boundaries.TRANSPARENT_DECORATORS - {"fixture"})
    | boundaries.RETRY_DECORATORS
    | fastapi.HANDLER_DECORATORS
    | frozenset(fastapi.ROUTE_METHODS)
)
_JOINS = frozenset({"and", "or"})


class _Wrong(NamedTuple):
    """What is wrong with an awaitable, and at which node."""

    node: s.AnyNode
    what: str
    confidence: Confidence = Confidence.HIGH


class Coroutines:
    """Finds forgotten awaits."""

    def __init__(self, view: View) -> None:
        self._project = view.project
        self._handed_on = HandedOn(view.project)

    def forgotten(self, function: Function) -> Iterator[Forgotten]:
        """In the code of `function`, in the order of its calls."""
        for site in self._project.calls(function):
            if site.kind != "call" or site.awaited or "annotation" in site.context:
                continue
            confidence = self.gives_awaitable(site)
            if confidence is None or is_narrowed(self._project, site.node, function):
                continue
            if self._is_expected_to_fail(site) or self._is_fallback(site.node):
                continue
            found = self._misuse(site.node, site)
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
        return Confidence.HIGH if is_plain else Confidence.MEDIUM

    # --- what is done with it ------------------------------------------------------------------

    def _misuse(self, node: s.Expr, site: CallSite) -> _Wrong | None:
        parent = self._project.parent(node)
        while isinstance(parent, s.Conditional) and parent.test is not node:
            node, parent = parent, self._project.parent(parent)
        if isinstance(parent, s.ExpressionStatement):
            return _Wrong(node, Misuse.DROPPED.value)
        if isinstance(parent, s.Assign) and len(parent.targets) == 1:
            return self._of_target(parent.targets[0], node, site)
        if isinstance(parent, s.NamedExpression):
            return self._wrong(parent, self._project.parent(parent), site)
        found = self._wrong(node, parent, site)
        if found is None and isinstance(parent, s.AnnotatedAssign):
            return self._of_target(parent.target, node, site)
        return found

    def _wrong(
        self, node: s.Expr, parent: s.AnyNode | s.ModuleSyntax, site: CallSite
    ) -> _Wrong | None:
        what = self._use(node, parent, site)
        if what is not None:
            return _Wrong(node, what)
        handed = self._handed_on.of(node, site.function)
        return None if handed is None else _Wrong(node, handed.what, handed.confidence)

    def _use(self, node: s.Expr, parent: s.AnyNode | s.ModuleSyntax, site: CallSite) -> str | None:
        """What `parent` does to the awaitable `node` that only its result can do."""
        if isinstance(parent, s.Attribute):
            is_coroutines = parent.attr in _AWAITABLE_MEMBERS
            return None if is_coroutines else Misuse.ATTRIBUTE.value.format(parent.attr)
        if isinstance(parent, s.Operation):
            return self._operand(node, parent, site)
        if isinstance(parent, s.Call):
            return _argument(node, parent)
        if isinstance(parent, s.WithItem):
            return None if self._is_context(site) else Misuse.WITH.value
        return _at_place(node, parent)

    def _operand(self, node: s.Expr, parent: s.Operation, site: CallSite) -> str | None:
        if parent.operator in _JOINS:
            if parent.operands[-1] is not node:
                return Misuse.TRUTH.value
            return self._use(parent, self._project.parent(parent), site)
        if parent.operator == "not":
            return Misuse.TRUTH.value
        if parent.operator in ("f-string", "format"):
            return Misuse.TEXT.value
        if parent.operator in ("is", "is not", "in", "not in") and not _with_none(parent):
            return None  # `task in tasks`
        return Misuse.OPERAND.value.format(parent.operator)

    def _is_context(self, site: CallSite) -> bool:
        """`async with engine.begin()`, `async with session.stream(...)` of other libraries."""
        operation = site.operation
        return operation is not None and operation.name in CONTEXT.get(operation.owner, ())

    # --- what is done with a local that holds it -----------------------------------------------

    def _of_target(self, target: s.Expr, value: s.Expr, site: CallSite) -> _Wrong | None:
        if isinstance(target, s.Sequence):
            return _Wrong(site.node, Misuse.UNPACKED.value)
        if isinstance(target, s.Name):
            return self._of_name(target, value, site)
        handed = self._handed_on.of(value, site.function)
        return None if handed is None else _Wrong(value, handed.what, handed.confidence)

    def _of_name(self, target: s.Name, value: s.Expr, site: CallSite) -> _Wrong | None:
        """A misuse of the local, if no use of it can be what awaits it."""
        scope = _home(site.scope)
        bindings = scope.names.get(target.id, ())
        if scope.kind != "function" or len(bindings) != 1:
            return None
        binding = bindings[0]
        if not isinstance(binding, ValueBinding | AnnotatedBinding) or binding.value is not value:
            return None
        body = scope.function.node
        if body is None:
            return None
        uses = [
            (node, self._project.parent(node))
            for node in s.walk(body)
            if isinstance(node, s.Name)
            and node.id == target.id
            and node is not target
            and binding in self._project.names.bindings(node.id, self._project.scope_of(node))
        ]
        if not uses:
            return None if target.id == "_" else _Wrong(site.node, Misuse.DROPPED.value)
        return self._of_uses(uses, site)

    def _of_uses(
        self, uses: Sequence[tuple[s.Name, s.AnyNode | s.ModuleSyntax]], site: CallSite
    ) -> _Wrong | None:
        """A coroutine that is passed on may be tested before, but it has no attributes."""
        if any(isinstance(parent, s.Await) for _, parent in uses):
            return None
        found = [self._wrong(node, parent, site) for node, parent in uses]
        wrong = [item for item in found if item is not None]
        fatal = [item for item in wrong if item.what.startswith(_FATAL)]
        if fatal:
            return fatal[0]
        return wrong[0] if len(wrong) == len(found) else None


def _is_coroutine_function(function: Function) -> bool:
    """An abstract method without `yield` may still stand for an async generator."""
    if not function.is_async or function.is_generator:
        return False
    returns = function.node.returns if isinstance(function.node, s.FunctionDef) else None
    head = returns.value if isinstance(returns, s.Subscript) else returns
    return head is None or last_name(head) not in GENERATOR_COUNTERPARTS.values()


def _home(scope: Scope) -> Scope:
    while scope.kind == "comprehension" and scope.parent is not None:
        scope = scope.parent
    return scope


def _at_place(node: s.Expr, parent: s.AnyNode | s.ModuleSyntax) -> str | None:
    """What syntax does to the expression in one of its places."""
    if isinstance(parent, s.Subscript) and parent.value is node:
        return Misuse.INDEX.value
    is_iterated = isinstance(parent, s.For | s.Generator) and parent.iter is node
    if is_iterated or isinstance(parent, s.Starred):
        return Misuse.ITERATION.value
    is_tested = isinstance(parent, s.If | s.While | s.Conditional) and parent.test is node
    is_asserted = isinstance(parent, s.Simple) and parent.keyword == "assert"
    is_condition = isinstance(parent, s.Generator) and node in parent.conditions
    return Misuse.TRUTH.value if is_tested or is_asserted or is_condition else None


def _argument(node: s.Expr, call: s.Call) -> str | None:
    name = call.func.id if isinstance(call.func, s.Name) else ""
    is_eager = name in _EAGER_BUILTINS and any(arg is node for arg in call.args)
    return Misuse.ARGUMENT.value.format(name) if is_eager else None


def _with_none(operation: s.Operation) -> bool:
    return operation.operator.startswith("is") and any(
        isinstance(operand, s.Constant) and operand.kind == "None" for operand in operation.operands
    )
