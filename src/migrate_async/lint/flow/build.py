"""From the statements of a function to its control flow graph.

Statements are built from the last to the first: each knows the step that comes after it. `_Exits`
says where control goes that leaves a block in another way than by reaching its end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, TypeAlias

from migrate_async.index.scopes import Function
from migrate_async.lint.flow.graph import Graph, Step, StepKind, Way
from migrate_async.lint.flow.handlers import CATCH_ALL, caught_names
from migrate_async.lint.flow.raising import can_raise, never_returns
from migrate_async.model import syntax as s

MAX_STEPS = 20_000
"""Nested `finally` blocks multiply; a function beyond this is not worth the time."""

_SWALLOWING = frozenset({"suppress", "raises"})


class TooLargeError(Exception):
    """The graph of the function would have more than `MAX_STEPS` steps."""


def build_graph(function: Function, ends: Callable[[s.Stmt], bool] = never_returns) -> Graph | None:
    """The control flow of `function`; None if it is too large to be followed.

    `ends` says of a simple statement whether control never gets past it.
    """
    try:
        return _Builder(ends).graph(_body(function))
    except TooLargeError:
        return None


def _body(function: Function) -> tuple[s.Stmt, ...]:
    node = function.node
    if isinstance(node, s.FunctionDef):
        return node.body
    if isinstance(node, s.Lambda):
        return (s.Return(node.line, node.col, node.end_line, node.end_col, node.body),)
    return function.module.syntax.body


_Ways: TypeAlias = Mapping[str, Callable[[], Step]]


class _Exits:
    """Where `raise`, `return`, `break` and `continue` lead; each is built when first needed."""

    def __init__(self, ways: _Ways, raised: Callable[[str], Step] | None = None) -> None:
        self._ways = ways
        self._raised = raised
        self._built: dict[str, Step] = {}

    def to(self, way: str) -> Step:
        """The step that `error`, `return`, `break` or `continue` goes to."""
        if way not in self._built:
            self._built[way] = self._ways[way]()
        return self._built[way]

    def raised(self, name: str) -> Step:
        """Where an exception goes whose class is called `name`; empty: not known."""
        if not name or self._raised is None:
            return self.to("error")
        key = f"raise {name}"
        if key not in self._built:
            self._built[key] = self._raised(name)
        return self._built[key]

    def changed(self, ways: _Ways, raised: Callable[[str], Step] | None = None) -> _Exits:
        """These exits with some replaced; the others are shared."""
        kept = {way: self._way(way) for way in self._ways}
        return _Exits({**kept, **ways}, raised or self.raised)

    def through(self, make: Callable[[str, Callable[[], Step]], Step]) -> _Exits:
        """All of these exits, each with what `make` puts in front of it."""

        def behind(way: str) -> Callable[[], Step]:
            return lambda: make(way, self._way(way))

        def raised(name: str) -> Step:
            return make("error", lambda: self.raised(name))

        return _Exits({way: behind(way) for way in self._ways}, raised)

    def _way(self, way: str) -> Callable[[], Step]:
        return lambda: self.to(way)


class _Builder:
    def __init__(self, ends: Callable[[s.Stmt], bool]) -> None:
        self._ends = ends
        self._count = 0
        self._compound: dict[type, Callable[[Any, Step, _Exits], Step]] = {
            s.If: self._if,
            s.While: self._while,
            s.For: self._for,
            s.With: self._with,
            s.Try: self._try,
            s.Match: self._match,
        }

    def graph(self, body: Sequence[s.Stmt]) -> Graph:
        entry = self._step(StepKind.ENTRY)
        end, abort = self._step(StepKind.EXIT), self._step(StepKind.ABORT)
        exits = _Exits({"return": lambda: end, "error": lambda: abort})
        entry.to(Way.NEXT, self._block(body, end, exits))
        return Graph(entry, end, abort)

    def _step(self, kind: StepKind, node: s.AnyNode | None = None) -> Step:
        self._count += 1
        if self._count > MAX_STEPS:
            raise TooLargeError
        return Step(self._count, kind, node)

    def _block(self, body: Sequence[s.Stmt], after: Step, exits: _Exits) -> Step:
        for statement in reversed(body):
            after = self._statement(statement, after, exits)
        return after

    def _statement(self, node: s.Stmt, after: Step, exits: _Exits) -> Step:
        return self._compound.get(type(node), self._simple)(node, after, exits)

    def _simple(self, node: s.Stmt, after: Step, exits: _Exits) -> Step:
        if isinstance(node, s.Simple) and node.keyword in ("break", "continue"):
            return exits.to(node.keyword)
        step = self._evaluated(StepKind.RUN, node, exits)
        if isinstance(node, s.Return):
            step.to(Way.NEXT, exits.to("return"))
        elif not isinstance(node, s.Raise) and not self._ends(node):
            step.to(Way.NEXT, after)
        return step

    def _evaluated(self, kind: StepKind, node: s.AnyNode, exits: _Exits) -> Step:
        step = self._step(kind, node)
        if isinstance(node, s.Raise):
            step.to(Way.ERROR, exits.raised(_raised_class(node)))
            return step
        raised = node.context if isinstance(node, s.WithItem) else node
        if can_raise(raised) or never_returns(node):
            step.to(Way.ERROR, exits.to("error"))
        return step

    def _test(self, node: s.Expr, exits: _Exits, yes: Step, no: Step) -> Step:
        step = self._evaluated(StepKind.TEST, node, exits)
        constant = node.value if isinstance(node, s.Constant) else None
        if constant is None or constant:
            step.to(Way.TRUE, yes)
        if constant is None or not constant:
            step.to(Way.FALSE, no)
        return step

    def _if(self, node: s.If, after: Step, exits: _Exits) -> Step:
        yes = self._block(node.body, after, exits)
        no = self._block(node.orelse, after, exits)
        return self._test(node.test, exits, yes, no)

    def _while(self, node: s.While, after: Step, exits: _Exits) -> Step:
        head = self._step(StepKind.JOIN)
        inner = exits.changed({"break": lambda: after, "continue": lambda: head})
        body = self._block(node.body, head, inner)
        orelse = self._block(node.orelse, after, exits)
        head.to(Way.NEXT, self._test(node.test, exits, body, orelse))
        return head

    def _for(self, node: s.For, after: Step, exits: _Exits) -> Step:
        head = self._step(StepKind.NEXT_ITEM, node)
        inner = exits.changed({"break": lambda: after, "continue": lambda: head})
        head.to(Way.TRUE, self._block(node.body, head, inner))
        head.to(Way.FALSE, self._block(node.orelse, after, exits))
        if node.is_async:
            head.to(Way.ERROR, exits.to("error"))
        step = self._evaluated(StepKind.RUN, node.iter, exits)
        step.to(Way.NEXT, head)
        return step

    # --- with ----------------------------------------------------------------------------------

    def _with(self, node: s.With, after: Step, exits: _Exits) -> Step:
        return self._items(node.items, node, after, exits)

    def _items(self, items: Sequence[s.WithItem], node: s.With, after: Step, exits: _Exits) -> Step:
        if not items:
            return self._block(node.body, after, exits)
        item, *others = items

        def leave(way: str, onward: Callable[[], Step]) -> Step:
            step = self._step(StepKind.LEAVE, item)
            if way != "error":
                step.to(Way.NEXT, onward())
                return step
            step.to(Way.ERROR, onward())
            if _swallows(item.context):
                step.to(Way.NEXT, after)
            return step

        step = self._evaluated(StepKind.ENTER, item, exits)
        end = leave("end", lambda: after)
        step.to(Way.NEXT, self._items(others, node, end, exits.through(leave)))
        return step

    # --- try -----------------------------------------------------------------------------------

    def _try(self, node: s.Try, after: Step, exits: _Exits) -> Step:
        inner, end = exits, after
        if node.finalbody:

            def finish(_way: str, onward: Callable[[], Step]) -> Step:
                return self._block(node.finalbody, onward(), exits)

            inner, end = exits.through(finish), self._block(node.finalbody, after, exits)
        guarded = inner
        if node.handlers:
            caught = self._handlers(node.handlers, end, inner)
            guarded = inner.changed({"error": lambda: caught("")}, caught)
        return self._block(node.body, self._block(node.orelse, end, inner), guarded)

    def _handlers(
        self, handlers: Sequence[s.Handler], after: Step, exits: _Exits
    ) -> Callable[[str], Step]:
        """Where an exception in the body arrives, by the name of its class.

        That is one of the handlers up to the first that names it, or further out.
        """

        @cache
        def catch(handler: s.Handler) -> Step:
            step = self._step(StepKind.CATCH, handler)
            step.to(Way.NEXT, self._block(handler.body, after, exits))
            return step

        def arrive(name: str) -> Step:
            arrival = self._step(StepKind.JOIN)
            for handler in handlers:
                arrival.to(Way.ERROR, catch(handler))
                caught = caught_names(handler)
                if name in caught or not CATCH_ALL.isdisjoint(caught):
                    return arrival
            arrival.to(Way.ERROR, exits.raised(name))
            return arrival

        return arrive

    # --- match ---------------------------------------------------------------------------------

    def _match(self, node: s.Match, after: Step, exits: _Exits) -> Step:
        no = after
        for case in reversed(node.cases):
            yes = self._block(case.body, after, exits)
            if case.guard is not None:
                yes = self._test(case.guard, exits, yes, no)
            elif not case.values and len(case.names) <= 1:
                no = yes  # `case _:` and `case name:` take whatever is left
                continue
            choice = self._step(StepKind.JOIN)
            choice.to(Way.TRUE, yes)
            choice.to(Way.FALSE, no)
            no = choice
        step = self._evaluated(StepKind.RUN, node.subject, exits)
        step.to(Way.NEXT, no)
        return step


def _raised_class(node: s.Raise) -> str:
    """The last name of the class that `node` raises; empty if it does not say."""
    error = node.error.func if isinstance(node.error, s.Call) else node.error
    name = "" if error is None else s.dotted_name(error).rpartition(".")[2]
    return name if name[:1].isupper() else ""


def _swallows(context: s.Expr) -> bool:
    """Whether the context manager is one that is there to end exceptions."""
    func = context.func if isinstance(context, s.Call) else context
    return s.dotted_name(func).rpartition(".")[2] in _SWALLOWING
