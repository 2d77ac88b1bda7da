"""Follow one resource along all paths of its function.

The fact at a step is the set of local names that hold the open resource, or `ABSENT` when there
is nothing to close: not opened yet, closed, or in somebody else's hands.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from migrate_async.index.project import Project
from migrate_async.lint.flow.graph import Graph, Step, StepKind, Way
from migrate_async.lint.flow.solve import Arrival, Outcome, Solution, solve
from migrate_async.lint.resources import conditions
from migrate_async.lint.resources.fate import (
    ESCAPES,
    Event,
    Fate,
    Handover,
    Leak,
    LeakKind,
    Resource,
)
from migrate_async.lint.resources.handover import Handovers
from migrate_async.model import syntax as s

Fact: TypeAlias = frozenset[str]
ABSENT: Fact = frozenset()

_PREPARING = frozenset({"begin", "cursor", "execution_options"})
_EVALUATING = frozenset({StepKind.RUN, StepKind.TEST, StepKind.ENTER})


class Follower:
    """The analysis of one resource; `fate` gives its result."""

    def __init__(
        self, resource: Resource, graph: Graph, project: Project, handovers: Handovers
    ) -> None:
        self._resource = resource
        self._graph = graph
        self._project = project
        self._handovers = handovers
        self._around = _ancestors(resource.node, project)
        self._events: dict[tuple[Handover, s.AnyNode], Event] = {}
        self._lost: dict[Arrival[Fact], tuple[LeakKind, s.AnyNode]] = {}
        self._is_fixture = "fixture" in resource.function.decorator_names

    def fate(self) -> Fate:
        """What becomes of the resource."""
        solution = solve(self._graph, ABSENT, self._transfer, self._possible)
        leaks = [*self._losses(solution), *self._open_ends(solution)]
        return Fate(self._resource, tuple(leaks), tuple(self._events.values()))

    # --- facts ---------------------------------------------------------------------------------

    def _transfer(self, step: Step, fact: Fact) -> Outcome[Fact]:
        if self._opens(step):
            opened = self._open(step, fact)
            kept = self._without(step, fact)
            return Outcome([opened, kept] if kept else [opened], [fact])
        if not fact:
            return Outcome([ABSENT], [ABSENT])
        added: set[str] = set()
        is_closed = is_gone = False
        for event in self._happening(step, fact):
            self._note(event)
            is_closed = is_closed or event.handover is Handover.CLOSE
            is_gone = is_gone or event.handover in ESCAPES
            added.update(event.names)
        if is_closed:
            return Outcome([ABSENT], [ABSENT])
        if is_gone:
            return Outcome([ABSENT], [fact])
        return Outcome([self._without(step, fact, frozenset(added))], [fact])

    def _possible(self, step: Step, way: Way, fact: Fact) -> bool:
        if way is Way.ERROR:
            return not (self._is_fixture and _yields(step))
        if not fact or step.kind is not StepKind.TEST:
            return True
        known = conditions.outcome(step.node, fact)  # type: ignore[arg-type]
        return known is None or known is (way is Way.TRUE)

    # --- what a step does ----------------------------------------------------------------------

    def _opens(self, step: Step) -> bool:
        node = step.node
        if isinstance(node, s.Return) and node.value in self._around:
            return True  # the `return` of a lambda is in no syntax tree
        return step.kind in _EVALUATING and node in self._around

    def _open(self, step: Step, fact: Fact) -> Fact:
        names: set[str] = set()
        is_safe = False
        resource = self._resource
        for event in self._handovers.of(resource.node, resource.scope, resource.closers):
            self._note(event)
            names.update(event.names)
            is_safe = is_safe or event.handover is Handover.CLOSE or event.handover in ESCAPES
        if is_safe:
            return ABSENT
        if not names:
            self._lost[Arrival(step, fact)] = (LeakKind.DROPPED, resource.node)
            return ABSENT
        return frozenset(names)

    def _happening(self, step: Step, names: frozenset[str]) -> Iterator[Event]:
        if step.kind not in _EVALUATING or step.node is None:
            return
        evaluated = step.node.context if isinstance(step.node, s.WithItem) else step.node
        for node in s.own_code(evaluated):
            if isinstance(node, s.FunctionDef | s.Lambda | s.ClassDef):
                if _mentions(node, names):
                    yield Event(Handover.CAPTURE, node)
            elif isinstance(node, s.Name) and node.id in names:
                scope = self._project.scope_of(node)
                yield from self._handovers.of(node, scope, self._resource.closers)

    def _without(self, step: Step, fact: Fact, added: Fact = ABSENT) -> Fact:
        """`fact` and `added` without the names that `step` gives to something else."""
        if not fact:
            return ABSENT
        kept = (fact - _bound(step)) | added
        if not kept:
            lost = (LeakKind.REBOUND, step.node or self._resource.node)
            self._lost[Arrival(step, fact)] = lost
        return kept

    def _note(self, event: Event) -> None:
        self._events.setdefault((event.handover, event.node), event)

    # --- leaks ---------------------------------------------------------------------------------

    def _losses(self, solution: Solution[Fact]) -> Iterator[Leak]:
        for arrival, (kind, node) in self._lost.items():
            yield self._leak(kind, node, solution.path(arrival))

    def _open_ends(self, solution: Solution[Fact]) -> Iterator[Leak]:
        for fact in solution.facts(self._graph.exit):
            if fact:
                path = solution.path(Arrival(self._graph.exit, fact))
                last = _last_return(path)
                kind = LeakKind.END if last is None else LeakKind.RETURN
                yield self._leak(kind, last, path)
        for fact in solution.facts(self._graph.abort):
            if fact:
                path = solution.path(Arrival(self._graph.abort, fact))
                yield self._leak(LeakKind.ERROR, _raising(path), path)

    def _leak(self, kind: LeakKind, node: s.AnyNode | None, path: list[tuple[Step, Way]]) -> Leak:
        opened = next((n for n, (step, _) in enumerate(path) if self._opens(step)), 0)
        after = tuple(path[opened:])
        is_unlikely = kind is LeakKind.ERROR and (self._cleans_up(node) or self._prepares(node))
        is_doubtful = is_unlikely or self._is_idle(kind, after)
        return Leak(kind, node, after, is_doubtful or any(self._goes_round(*at) for at in after))

    def _is_idle(self, kind: LeakKind, path: tuple[tuple[Step, Way], ...]) -> bool:
        """Whether nothing on `path` used the session, which has no connection until then."""
        if self._resource.family != "session" or kind is LeakKind.DROPPED:
            return False
        used = {event.node for event in self._events.values() if _uses(event)}
        return not any(
            node in used
            for step, _ in path
            if step.kind in _EVALUATING and step.node is not None
            for node in s.own_code(step.node)
        )

    def _cleans_up(self, node: s.AnyNode | None) -> bool:
        """Whether `node` stands in a `finally` or `except` block and raises by accident."""
        child: s.AnyNode | s.ModuleSyntax | None = node
        if isinstance(node, s.Raise):
            return False
        while child is not None and not isinstance(child, s.ModuleSyntax | s.FunctionDef):
            around = self._project.parent(child)
            if isinstance(around, s.Handler):
                return True
            if isinstance(around, s.Try) and any(child is stmt for stmt in around.finalbody):
                return True
            child = around
        return False

    def _prepares(self, node: s.AnyNode | None) -> bool:
        """Whether `node` only prepares for a `try` whose `finally` closes the resource."""
        if node is None or any(event.node in s.own_code(node) for event in self._operations()):
            return False
        block = getattr(self._project.parent(node), "body", ())
        later = block[block.index(node) + 1 :] if node in block else ()
        closing = {event.node for event in self._events.values() if _closes(event)}
        return any(
            isinstance(statement, s.Try)
            and any(found in closing for last in statement.finalbody for found in s.walk(last))
            for statement in later
        )

    def _operations(self) -> list[Event]:
        """Where methods of the resource are called, but for those that only prepare its use."""
        used = (e for e in self._events.values() if e.handover is Handover.USE)
        return [
            event
            for event in used
            if isinstance(event.node, s.Attribute) and event.node.attr not in _PREPARING
        ]

    def _goes_round(self, step: Step, way: Way) -> bool:
        """Whether `step` decides against a branch that is there to close the resource."""
        if step.kind is not StepKind.TEST:
            return False
        around = self._project.parent(step.node)  # type: ignore[arg-type]
        if not isinstance(around, s.If):
            return False
        other = around.orelse if way is Way.TRUE else around.body
        closing = {event.node for event in self._events.values() if _closes(event)}
        is_plain = all(isinstance(statement, s.ExpressionStatement) for statement in other)
        return is_plain and any(
            node in closing for statement in other for node in s.own_code(statement)
        )


def _uses(event: Event) -> bool:
    return event.handover not in (Handover.NAME, Handover.CLOSE, Handover.RETURN)


def _closes(event: Event) -> bool:
    return event.handover is Handover.CLOSE


def _ancestors(node: s.AnyNode, project: Project) -> frozenset[s.AnyNode]:
    found: list[s.AnyNode] = [node]
    around = project.parent(node)
    while not isinstance(around, s.ModuleSyntax | s.FunctionDef | s.Lambda | s.ClassDef):
        found.append(around)
        around = project.parent(around)
    if isinstance(around, s.Lambda):
        found.append(around)
    return frozenset(found)


def _mentions(node: s.AnyNode, names: frozenset[str]) -> bool:
    return any(isinstance(found, s.Name) and found.id in names for found in s.walk(node))


def _bound(step: Step) -> frozenset[str]:
    """The names that `step` gives another value; `x = f(x)` is taken to keep what `x` was."""
    node = step.node
    if step.kind is StepKind.CATCH and isinstance(node, s.Handler):
        return frozenset({node.name or ""})
    if step.kind is StepKind.ENTER and isinstance(node, s.WithItem):
        return _targets((node.target,))
    if isinstance(node, s.For):
        return _targets((node.target,))
    if isinstance(node, s.Delete):
        return _targets(node.targets)
    if isinstance(node, s.Assign | s.AnnotatedAssign) and node.value is not None:
        bound = _targets(node.targets if isinstance(node, s.Assign) else (node.target,))
        return frozenset(name for name in bound if not _mentions(node.value, frozenset({name})))
    return frozenset()


def _targets(targets: tuple[s.Expr | None, ...]) -> frozenset[str]:
    flat = [item for t in targets for item in (t.items if isinstance(t, s.Sequence) else (t,))]
    return frozenset(target.id for target in flat if isinstance(target, s.Name))


def _yields(step: Step) -> bool:
    if step.kind not in _EVALUATING or step.node is None:
        return False
    return any(isinstance(node, s.Yield) for node in s.own_code(step.node))


def _last_return(path: list[tuple[Step, Way]]) -> s.Return | None:
    for step, _ in reversed(path):
        if step.kind is StepKind.RUN and isinstance(step.node, s.Return):
            return step.node
    return None


def _raising(path: list[tuple[Step, Way]]) -> s.AnyNode | None:
    """What raises the exception with which the path ends."""
    for step, way in reversed(path):
        if way is Way.ERROR and step.kind in _EVALUATING:
            return step.node
    return None
