"""What is done to an awaitable as if it were the result."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import NamedTuple

from migrate_async.index.project import Project
from migrate_async.index.scopes import AnnotatedBinding, Scope, ValueBinding
from migrate_async.index.sites import CallSite
from migrate_async.knowledge.async_api import CONTEXT
from migrate_async.lint.hazards.handed_on import HandedOn
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence


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


_AWAITABLE_MEMBERS = frozenset(
    {"close", "send", "throw", "cr_frame", "cr_running", "cr_code", "cr_await", "__await__"}
)
_EAGER_BUILTINS = frozenset(
    {"len", "list", "bool", "str", "int", "float", "set", "dict", "sorted", "sum", "max", "min"}
    | {"any", "all", "tuple", "enumerate", "zip", "reversed", "next", "round", "abs"}
)
_JOINS = frozenset({"and", "or"})


class Wrong(NamedTuple):
    """What is wrong with an awaitable, and at which node."""

    node: s.AnyNode
    what: str
    confidence: Confidence = Confidence.HIGH


class Misuses:
    """Answers for the awaitables of one project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._handed_on = HandedOn(project)

    def of(self, node: s.Expr, site: CallSite) -> Wrong | None:
        """What is wrong with the awaitable `node`, which `site` gives."""
        parent = self._project.parent(node)
        while isinstance(parent, s.Conditional) and parent.test is not node:
            node, parent = parent, self._project.parent(parent)
        if isinstance(parent, s.ExpressionStatement):
            return Wrong(node, Misuse.DROPPED.value)
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
    ) -> Wrong | None:
        what = self._use(node, parent, site)
        if what is not None:
            return Wrong(node, what)
        handed = self._handed_on.of(node, site.function)
        return None if handed is None else Wrong(node, handed.what, handed.confidence)

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

    def _of_target(self, target: s.Expr, value: s.Expr, site: CallSite) -> Wrong | None:
        if isinstance(target, s.Sequence):
            return Wrong(site.node, Misuse.UNPACKED.value)
        if isinstance(target, s.Name):
            return self._of_name(target, value, site)
        handed = self._handed_on.of(value, site.function)
        return None if handed is None else Wrong(value, handed.what, handed.confidence)

    def _of_name(self, target: s.Name, value: s.Expr, site: CallSite) -> Wrong | None:
        """A misuse of the local, if no use of it can be what awaits it."""
        scope = _home(site.scope)
        held = [
            binding
            for binding in scope.names.get(target.id, ())
            if isinstance(binding, ValueBinding | AnnotatedBinding) and binding.value is value
        ]
        body = scope.function.node.body if isinstance(scope.function.node, s.FunctionDef) else ()
        if scope.kind != "function" or len(held) != 1 or not body:
            return None
        if len(scope.names[target.id]) > 1:
            return self._next_use(target, site)
        uses = [
            (node, self._project.parent(node))
            for statement in body
            for node in s.walk(statement)
            if isinstance(node, s.Name)
            and node.id == target.id
            and node is not target
            and held[0] in self._project.names.bindings(node.id, self._project.scope_of(node))
        ]
        if not uses:
            return None if target.id == "_" else Wrong(site.node, Misuse.DROPPED.value)
        return self._of_uses(uses, site)

    def _next_use(self, target: s.Name, site: CallSite) -> Wrong | None:
        """What is wrong with the first use of a name that is bound again elsewhere.

        It counts only if it follows in the same block, and fails on every coroutine.
        """
        statement = self._project.statement_of(target)
        for later in self._following(statement):
            for node in s.own_code(later):
                if isinstance(node, s.Name) and node.id == target.id:
                    found = self._wrong(node, self._project.parent(node), site)
                    is_fatal = found is not None and found.what.startswith(_FATAL)
                    return found if is_fatal else None
        return None

    def _following(self, statement: s.Stmt) -> Sequence[s.Stmt]:
        """The statements after `statement` in its block."""
        around = self._project.parent(statement)
        for name in ("body", "orelse", "finalbody"):
            block: tuple[s.Stmt, ...] = getattr(around, name, ())
            if statement in block:
                return block[block.index(statement) + 1 :]
        return ()

    def _of_uses(
        self, uses: Sequence[tuple[s.Name, s.AnyNode | s.ModuleSyntax]], site: CallSite
    ) -> Wrong | None:
        """A coroutine that is passed on may be tested before, but it has no attributes."""
        if any(isinstance(parent, s.Await) for _, parent in uses):
            return None
        found = [self._wrong(node, parent, site) for node, parent in uses]
        wrong = [item for item in found if item is not None]
        fatal = [item for item in wrong if item.what.startswith(_FATAL)]
        if fatal:
            return fatal[0]
        return wrong[0] if len(wrong) == len(found) else None


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
