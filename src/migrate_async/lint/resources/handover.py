"""What the code around an expression does with the resource that the expression is."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Scope
from migrate_async.knowledge import resources
from migrate_async.lint.resources.callees import Callees
from migrate_async.lint.resources.fate import Event, Handover
from migrate_async.model import syntax as s

_TRANSPARENT = (s.Await, s.Conditional, s.NamedExpression, s.Starred, s.Keyword)
"""Nodes whose value is the resource when a part of them is."""


class Handovers:
    """Follows a value from the expression that gives it to the code that takes it."""

    def __init__(self, project: Project, callees: Callees) -> None:
        self._project = project
        self._callees = callees

    def of(self, node: s.Expr, scope: Scope, closers: frozenset[str]) -> Iterator[Event]:
        """What happens to the value of `node`: mostly one event, none for a plain mention."""
        child: s.AnyNode = node
        while True:
            child = self._same(child)
            around = self._project.parent(child)
            if isinstance(around, s.NamedExpression):
                yield Event(Handover.NAME, around, (around.target.id,))
            if isinstance(around, s.Conditional) and child is around.test:
                return
            is_choice = isinstance(around, s.Operation) and around.operator in ("and", "or")
            if not isinstance(around, _TRANSPARENT) and not is_choice:
                break
            child = around  # type: ignore[assignment]
        yield from self._taken(child, around, node, scope, closers)

    def _same(self, child: s.AnyNode) -> s.AnyNode:
        """The call of a method of `child` that gives `child` itself, if that is what is around."""
        method = self._project.parent(child)
        while isinstance(method, s.Attribute) and method.attr in resources.FLUENT:
            call = self._project.parent(method)
            if not isinstance(call, s.Call) or call.func is not method:
                break
            child, method = call, self._project.parent(call)
        return child

    def _taken(
        self,
        child: s.AnyNode,
        around: s.AnyNode | s.ModuleSyntax,
        node: s.Expr,
        scope: Scope,
        closers: frozenset[str],
    ) -> Iterator[Event]:
        if isinstance(around, s.Attribute):
            yield from self._attribute(around, closers)
        elif isinstance(around, s.Call) and child is not around.func:
            yield self._argument(around, node, scope)
        elif isinstance(around, s.WithItem) and child is around.context:
            yield Event(Handover.CLOSE, node)
        elif isinstance(around, s.Return):
            yield Event(Handover.RETURN, around)
        elif isinstance(around, s.Lambda):
            yield Event(Handover.RETURN, node)
        elif isinstance(around, s.Yield):
            yield Event(Handover.YIELD, around)
        elif isinstance(around, s.Assign | s.AnnotatedAssign) and child is around.value:
            yield from self._assigned(around, node, scope)
        elif isinstance(around, s.Sequence | s.Mapping | s.Comprehension):
            yield self._contained(around)
        elif isinstance(around, s.ExpressionStatement):
            yield Event(Handover.DROP, node)

    def _attribute(self, around: s.Attribute, closers: frozenset[str]) -> Iterator[Event]:
        """A closing method closes; handed on without being called, it will."""
        call = self._project.parent(around)
        is_called = isinstance(call, s.Call) and call.func is around
        if around.attr in closers:
            yield Event(Handover.CLOSE, around)
        elif is_called and around.attr == "cursor" and self._is_returned(call):
            yield Event(Handover.RETURN, around)  # a cursor holds its connection
        elif is_called and around.attr in ("__enter__", "__aenter__"):
            yield Event(Handover.KEEP, around)
        else:
            yield Event(Handover.USE, around)

    def _is_returned(self, node: s.AnyNode | s.ModuleSyntax) -> bool:
        return not isinstance(node, s.ModuleSyntax) and isinstance(
            self._project.parent(node), s.Return
        )

    def _argument(self, call: s.Call, node: s.Expr, scope: Scope) -> Event:
        name = call.func.attr if isinstance(call.func, s.Attribute) else s.dotted_name(call.func)
        if name.rpartition(".")[2] in resources.KEEPERS:
            return Event(Handover.CLOSE, call)
        if isinstance(call.func, s.Attribute) and name in resources.COLLECTORS:
            return Event(Handover.CONTAIN, call)
        return Event(self._callees.takes(call, node, scope), call)

    def _assigned(
        self, around: s.Assign | s.AnnotatedAssign, node: s.Expr, scope: Scope
    ) -> Iterator[Event]:
        targets = around.targets if isinstance(around, s.Assign) else (around.target,)
        names = tuple(target.id for target in targets if isinstance(target, s.Name))
        stored = any(not isinstance(target, s.Name) for target in targets)
        if stored or any(name in scope.globals for name in names):
            yield Event(Handover.STORE, around)
        elif names:
            yield Event(Handover.NAME, node, names)

    def _contained(self, around: s.AnyNode) -> Event:
        """`return db, user` and `yield db, user` hand it over; other containers live on."""
        holder = self._project.parent(around)
        if isinstance(holder, s.Return):
            return Event(Handover.RETURN, holder)
        if isinstance(holder, s.Yield):
            return Event(Handover.YIELD, holder)
        return Event(Handover.CONTAIN, around)
