"""Remembering the results of computations that run into themselves."""

from __future__ import annotations

import pytest

from migrate_async.index.memory import Memory
from migrate_async.index.types import UNKNOWN, External, Types, of, union
from migrate_async.model import syntax as s
from support.projects import project


class Graph:
    """Reachable leaves of a graph with cycles, computed through a `Memory`."""

    def __init__(self, edges: dict[str, str]) -> None:
        self.edges = edges
        self.memory = Memory()
        self.memo: dict[str, Types] = {}
        self.computed = 0

    def leaves(self, name: str) -> Types:
        found = self.memory.recall(self.memo, name)
        if found is not None:
            return found
        return self.memory.remember(self.memo, name, lambda: self._compute(name))

    def _compute(self, name: str) -> Types:
        self.computed += 1
        if name not in self.edges:
            return of(External(name))
        return union(self.leaves(other) for other in self.edges[name])


def test_members_of_a_cycle_get_all_that_the_cycle_reaches() -> None:
    graph = Graph({"a": "bx", "b": "cy", "c": "a"})
    expected = {External("x"), External("y")}
    assert [graph.leaves(name) for name in "abc"] == [expected] * 3
    assert [graph.leaves(name) for name in "cba"] == [expected] * 3


def test_a_result_is_remembered_even_when_it_is_empty() -> None:
    graph = Graph({"a": "a"})
    assert graph.leaves("a") == UNKNOWN
    assert graph.leaves("a") == UNKNOWN
    assert graph.computed == 1


def test_nothing_stays_provisional() -> None:
    graph = Graph({"a": "bc", "b": "ac", "c": "abx"})
    graph.leaves("a")
    assert graph.memory.provisional == {}


def test_work_on_a_dense_cycle_stays_linear() -> None:
    names = [chr(0x4E00 + i) for i in range(60)]
    graph = Graph(dict.fromkeys(names, "".join(names) + "x"))
    for name in names:
        graph.leaves(name)
    assert graph.computed <= 4 * len(names)


def test_an_error_leaves_nothing_running() -> None:
    memory = Memory()
    memo: dict[str, Types] = {}

    def fail() -> Types:
        raise KeyError

    with pytest.raises(KeyError):
        memory.remember(memo, "a", fail)
    assert memory.remember(memo, "a", lambda: of(External("x"))) == {External("x")}


@pytest.mark.parametrize("times", [3, 6, 12])
def test_each_of_many_assignments_is_known(times: int) -> None:
    """All of them wait for all others: `query` may be any of them."""
    filters = "".join(f"    if {n}:\n        q = q.where({n})\n" for n in range(times))
    text = f"from sqlalchemy import select\n\ndef f():\n    q = select(1)\n{filters}    return q\n"
    made = project({"app.py": text})
    function = made.function("app.f")
    assert function is not None
    calls = [call.node for call in function.calls if s.dotted_name(call.node.func) == "q.where"]
    assert [len(made.infer(call, function.scope)) for call in calls] == [1] * times
