"""The control flow graph of a function.

A `Step` evaluates one piece of syntax; an edge says how control goes on. Code in a `finally`
block, and the end of a `with` block, has one copy for each way that leads through it, so a path
through the graph is a path of the program.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import NamedTuple

from migrate_async.model import syntax as s


class StepKind(enum.Enum):
    """What a step does with its node."""

    ENTRY = "entry"
    """The function is called."""
    RUN = "run"
    """A simple statement, or the expression in the head of a compound one, is evaluated."""
    TEST = "test"
    """An expression decides between TRUE and FALSE."""
    NEXT_ITEM = "next item"
    """A `for` statement takes an item (TRUE) or is exhausted (FALSE); its `iter` ran before."""
    ENTER = "enter"
    """A context manager is made and entered."""
    LEAVE = "leave"
    """A context manager is left; has no node to evaluate, `node` is the item entered."""
    CATCH = "catch"
    """An exception arrives at a handler."""
    JOIN = "join"
    """Nothing; paths meet."""
    EXIT = "exit"
    """The function returns."""
    ABORT = "abort"
    """An exception leaves the function."""


class Way(enum.Enum):
    """How control leaves a step."""

    NEXT = "next"
    TRUE = "true"
    FALSE = "false"
    ERROR = "error"


class Edge(NamedTuple):
    way: Way
    to: Step


class Step:
    """One piece of syntax being evaluated. Compares by identity."""

    __slots__ = ("edges", "kind", "node", "number")

    def __init__(self, number: int, kind: StepKind, node: s.AnyNode | None = None) -> None:
        self.number = number
        self.kind = kind
        self.node = node
        self.edges: list[Edge] = []

    def to(self, way: Way, step: Step) -> None:
        """Add an edge."""
        self.edges.append(Edge(way, step))

    def __repr__(self) -> str:
        line = getattr(self.node, "line", "")
        return f"<Step {self.number} {self.kind.value} {type(self.node).__name__} {line}>"


class Graph:
    """All steps of a function that can be reached, `entry` first."""

    def __init__(self, entry: Step, exit_: Step, abort: Step) -> None:
        self.entry = entry
        self.exit = exit_
        self.abort = abort

    def steps(self) -> Iterator[Step]:
        """Every step that control can reach, each once."""
        seen = {self.entry}
        pending = [self.entry]
        while pending:
            step = pending.pop()
            yield step
            for edge in step.edges:
                if edge.to not in seen:
                    seen.add(edge.to)
                    pending.append(edge.to)
