"""Follow queries through one function: which expression gives which query.

An abstract run of the function's statements in order, both ways at each branch, loops until
nothing changes. Names are followed; attributes, containers and unknown code are not: a query that
goes there is reported to the `Ledger`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from migrate_async.index.scopes import Function
from migrate_async.model import syntax as s
from migrate_async.plan.queries.chains import Usage, Value
from migrate_async.plan.queries.state import Binding, QueryState, merge_bindings

Environment = dict[str, Binding]
_OTHER = Binding(other=True)
_NONE = Binding(none=True)
_MAX_ROUNDS = 8


class Expressions(Protocol):
    """What evaluates expressions for a `Flow`; see `evaluate.py`."""

    def value(self, expr: s.Expr, names: Flow) -> Value | None:
        """The query that `expr` gives, after everything in it was looked at."""

    def use(self, value: Value | None, usage: Usage, where: str = "") -> None:
        """Say what happens with a query."""

    def assigned(self, target: s.Expr, names: Flow) -> None:
        """Say that something is assigned to `target`, which is no name."""

    def test(self, expr: s.Expr, names: Flow) -> None:
        """Evaluate `expr` for its truth."""

    def returned(self, value: Value) -> None:
        """Say that the function returns a query."""

    def annotated(self, value: Value, annotation: s.Expr) -> None:
        """Say that a query is assigned to an annotated name."""

    def parameters(self) -> Iterable[tuple[str, QueryState]]:
        """Parameters that get a query."""

    def closure(self, name: str) -> Binding | None:
        """What a name of an enclosing function holds."""


class Flow:
    """One run over `function`."""

    def __init__(self, function: Function, expressions: Expressions) -> None:
        self.function = function
        self._expressions = expressions
        self._names: Environment = {}
        self._dead = False
        self._loops: list[list[Environment]] = []
        self.bound: Environment = {}
        """Everything that each name may hold anywhere in the function, for nested functions."""

    def run(self) -> None:
        """Run the whole function once."""
        for name, state in self._expressions.parameters():
            self.bind(name, Binding(state))
        node = self.function.node
        if isinstance(node, s.Lambda):
            value = self._expressions.value(node.body, self)
            self._expressions.use(value, Usage.ESCAPED, "the value of a lambda")
        elif isinstance(node, s.FunctionDef):
            self._block(node.body)
        else:
            self._block(self.function.module.syntax.body)

    # --- names ---------------------------------------------------------------------------------

    def read(self, name: str) -> Binding | None:
        """What `name` may hold here; None if it never holds a query."""
        if name in self._names:
            return self._names[name]
        if name in self.function.scope.names:
            return None
        return self._expressions.closure(name)

    def bind(self, name: str, binding: Binding) -> None:
        self._names[name] = binding
        known = self.bound.get(name)
        self.bound[name] = binding if known is None else merge_bindings(known, binding)

    def shadow(self, target: s.Expr) -> None:
        """Bind the names in `target` to something that is no query."""
        for node in s.walk(target):
            if isinstance(node, s.Name) and node.id in self._names:
                self.bind(node.id, _OTHER)

    @contextmanager
    def inside(self, targets: Iterable[s.Expr]) -> Iterator[None]:
        """A comprehension: the names in `targets` hide those of the function while it runs."""
        before = dict(self._names)
        for target in targets:
            for node in s.walk(target):
                if isinstance(node, s.Name):
                    self._names.pop(node.id, None)
        yield
        self._names = {**self._names, **before}

    def assume(self, target: s.Expr, value: Value | None, source: s.Expr) -> None:
        """`target = value`."""
        if isinstance(target, s.Name) and value is None:
            is_none = isinstance(source, s.Constant) and source.kind == "None"
            self.bind(target.id, _NONE if is_none else _OTHER)
        elif isinstance(target, s.Name) and value is not None:
            self._keep(target.id, value)
        elif isinstance(target, s.Sequence | s.Starred):
            self._expressions.use(value, Usage.LISTED)
            self.shadow(target)
        else:
            kept = "an attribute" if isinstance(target, s.Attribute) else "a container"
            self._expressions.use(value, Usage.ESCAPED, f"it is kept in {kept}")
            self._expressions.assigned(target, self)

    def _keep(self, name: str, value: Value) -> None:
        is_local = self.function.node is not None and name not in self.function.scope.globals
        if is_local:
            self._expressions.use(value, Usage.KEPT)
            self.bind(name, Binding(value.state))
        else:
            self._expressions.use(value, Usage.ESCAPED, "it is kept in a module variable")

    # --- blocks and branches -------------------------------------------------------------------

    def _block(self, body: Iterable[s.Stmt]) -> None:
        for statement in body:
            handler = _STATEMENTS.get(type(statement))
            if handler is not None:
                handler(self, statement)

    def _branch(self, body: Iterable[s.Stmt], names: Environment) -> tuple[Environment, bool]:
        """Run `body` from `names`; the names after it, and whether it never gets there."""
        self._names, self._dead = dict(names), False
        self._block(body)
        return self._names, self._dead

    def _join(self, *ends: tuple[Environment, bool]) -> None:
        """Go on from wherever the branches that ended in `ends` come together."""
        alive = [names for names, dead in ends if not dead]
        self._dead = not alive
        self._names = _merge(alive or [names for names, _ in ends])

    def _if(self, node: s.If) -> None:
        self._expressions.test(node.test, self)
        before = self._names
        self._join(self._branch(node.body, before), self._branch(node.orelse, before))

    def _loop(self, body: Iterable[s.Stmt], orelse: Iterable[s.Stmt]) -> None:
        before = self._names
        exits: list[Environment] = []
        for _ in range(_MAX_ROUNDS):
            self._loops.append([])
            after, dead = self._branch(body, before)
            exits = self._loops.pop()
            merged = before if dead else _merge([before, after])
            merged = _merge([merged, *exits])
            if merged == before:
                break
            before = merged
        after, dead = self._branch(orelse, before)
        self._join((after, dead), *((names, False) for names in exits))

    def _for(self, node: s.For) -> None:
        value = self._expressions.value(node.iter, self)
        self._expressions.use(value, Usage.LOOPED)
        self.shadow(node.target)
        self._loop(node.body, node.orelse)

    def _while(self, node: s.While) -> None:
        self._expressions.test(node.test, self)
        self._loop((s.ExpressionStatement(*node.test.span, node.test), *node.body), node.orelse)

    def _with(self, node: s.With) -> None:
        for item in node.items:
            value = self._expressions.value(item.context, self)
            self._expressions.use(value, Usage.ESCAPED, "it is used as a context manager")
            if item.target is not None:
                self.shadow(item.target)
        self._block(node.body)

    def _try(self, node: s.Try) -> None:
        before = self._names
        seen = [before]
        self._dead = False
        for statement in node.body:
            self._block((statement,))
            seen.append(dict(self._names))
        after_body = self._names, self._dead
        if node.orelse and not self._dead:
            after_body = self._branch(node.orelse, self._names)
        failed = _merge(seen)
        ends = [after_body]
        for handler in node.handlers:
            if handler.error is not None:
                self._expressions.value(handler.error, self)
            ends.append(self._branch(handler.body, failed))
        if not node.finalbody:
            self._join(*ends)
            return
        self._join(*ends)
        dead = self._dead
        self._block(node.finalbody)
        self._dead = self._dead or dead

    def _match(self, node: s.Match) -> None:
        self._drop(node.subject, "it is matched against patterns")
        before = self._names
        ends = [(before, False)]
        for case in node.cases:
            self._names = dict(before)
            for name in case.names:
                if name in self._names:
                    self.bind(name, _OTHER)
            if case.guard is not None:
                self._expressions.test(case.guard, self)
            ends.append(self._branch(case.body, self._names))
        self._join(*ends)

    # --- simple statements ---------------------------------------------------------------------

    def _assign(self, node: s.Assign) -> None:
        value = self._expressions.value(node.value, self)
        for target in node.targets:
            self.assume(target, value, node.value)

    def _annotated(self, node: s.AnnotatedAssign) -> None:
        if node.value is not None:
            value = self._expressions.value(node.value, self)
            if value is not None:
                self._expressions.annotated(value, node.annotation)
            self.assume(node.target, value, node.value)

    def _augmented(self, node: s.AugmentedAssign) -> None:
        self._drop(node.value, "it is an operand")
        self._drop(node.target, "it is an operand")

    def _expression(self, node: s.ExpressionStatement) -> None:
        self._expressions.use(self._expressions.value(node.value, self), Usage.KEPT)

    def _return(self, node: s.Return) -> None:
        if node.value is not None:
            value = self._expressions.value(node.value, self)
            if value is not None:
                self._expressions.returned(value)
        self._dead = True

    def _raise(self, node: s.Raise) -> None:
        for part in (node.error, node.cause):
            if part is not None:
                self._drop(part, "it is raised")
        self._dead = True

    def _delete(self, node: s.Delete) -> None:
        for target in node.targets:
            if isinstance(target, s.Name):
                self._names.pop(target.id, None)
            else:
                self._drop(target, "it is deleted")

    def _simple(self, node: s.Simple) -> None:
        for operand in node.operands:
            if node.keyword == "assert":
                self._expressions.test(operand, self)
            else:
                self._drop(operand, f"it is an operand of {node.keyword}")
        if node.keyword in ("break", "continue"):
            if self._loops:
                self._loops[-1].append(dict(self._names))
            self._dead = True

    def _definition(self, node: s.FunctionDef) -> None:
        for decorator in node.decorators:
            self._drop(decorator, "it is an argument of a decorator")
        for param in node.params:
            if param.default is not None:
                self._drop(param.default, "it is a default")

    def _class(self, node: s.ClassDef) -> None:
        for statement in node.body:
            if isinstance(statement, s.Assign | s.AnnotatedAssign) and statement.value is not None:
                self._drop(statement.value, "it is kept in a class")
            elif isinstance(statement, s.FunctionDef):
                self._definition(statement)

    def _drop(self, expr: s.Expr, where: str) -> None:
        self._expressions.use(self._expressions.value(expr, self), Usage.ESCAPED, where)


def _merge(environments: list[Environment]) -> Environment:
    """What names hold where several ways meet. A name that is missing on one way was not bound."""
    if len(environments) == 1:
        return dict(environments[0])
    merged: Environment = {}
    for environment in environments:
        for name, binding in environment.items():
            known = merged.get(name)
            merged[name] = binding if known is None else merge_bindings(known, binding)
    return merged


_STATEMENTS: dict[type, Callable[[Flow, Any], None]] = {
    s.Assign: Flow._assign,
    s.AnnotatedAssign: Flow._annotated,
    s.AugmentedAssign: Flow._augmented,
    s.ExpressionStatement: Flow._expression,
    s.Return: Flow._return,
    s.Raise: Flow._raise,
    s.Delete: Flow._delete,
    s.If: Flow._if,
    s.For: Flow._for,
    s.While: Flow._while,
    s.With: Flow._with,
    s.Try: Flow._try,
    s.Match: Flow._match,
    s.FunctionDef: Flow._definition,
    s.ClassDef: Flow._class,
    s.Simple: Flow._simple,
}
