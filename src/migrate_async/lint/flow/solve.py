"""Facts along the paths of a graph.

A fact is any hashable value that tells what is known when control arrives at a step. The solver
follows each fact on its own, breadth first, so the path that it remembers for a fact at a step is
one of the shortest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, NamedTuple, TypeVar

from migrate_async.lint.flow.graph import Graph, Step, Way

FactT = TypeVar("FactT", bound=Hashable)


class Outcome(NamedTuple, Generic[FactT]):
    """The facts after a step: when it succeeds, and when it raises."""

    done: Sequence[FactT]
    raised: Sequence[FactT]


class Arrival(NamedTuple, Generic[FactT]):
    """`fact` holds when control arrives at `step`."""

    step: Step
    fact: FactT


class Solution(Generic[FactT]):
    """Which facts arrive where, and how they got there."""

    def __init__(self) -> None:
        self._origins: dict[Arrival[FactT], tuple[Arrival[FactT], Way] | None] = {}
        self._facts: dict[Step, list[FactT]] = {}

    def facts(self, step: Step) -> Sequence[FactT]:
        """The facts that hold at `step` on some path, in the order in which they were found."""
        return self._facts.get(step, ())

    def path(self, arrival: Arrival[FactT]) -> list[tuple[Step, Way]]:
        """The steps that led to `arrival`, with the way that each was left, the first first."""
        path: list[tuple[Step, Way]] = []
        origin = self._origins[arrival]
        while origin is not None:
            arrival, way = origin
            path.append((arrival.step, way))
            origin = self._origins[arrival]
        return path[::-1]

    def add(self, arrival: Arrival[FactT], origin: tuple[Arrival[FactT], Way] | None) -> bool:
        """Note an arrival; False if it is known."""
        if arrival in self._origins:
            return False
        self._origins[arrival] = origin
        self._facts.setdefault(arrival.step, []).append(arrival.fact)
        return True


def solve(
    graph: Graph,
    initial: FactT,
    transfer: Callable[[Step, FactT], Outcome[FactT]],
    possible: Callable[[Step, Way, FactT], bool] = lambda _step, _way, _fact: True,
) -> Solution[FactT]:
    """Follow `initial` from the entry of `graph`.

    `transfer` says what a step makes of a fact. `possible` may rule out a way of a test that
    contradicts a fact. `transfer` must map to finitely many facts.
    """
    solution: Solution[FactT] = Solution()
    start = Arrival(graph.entry, initial)
    solution.add(start, None)
    pending = deque([start])
    while pending:
        arrival = pending.popleft()
        outcome = transfer(arrival.step, arrival.fact)
        for way, target in arrival.step.edges:
            for fact in outcome.raised if way is Way.ERROR else outcome.done:
                reached = Arrival(target, fact)
                if possible(arrival.step, way, fact) and solution.add(reached, (arrival, way)):
                    pending.append(reached)
    return solution
