"""The call graph behind a plan, reduced to what the plan decides about."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.model.graph import CallEdge, CallGraph
from migrate_async.model.plan import FunctionDecision, Plan, Verdict

_CHANGING = (Verdict.CONVERT.value, Verdict.TWIN.value, Verdict.BRIDGE.value)


def call_graph(project: Project, plan: Plan) -> CallGraph:
    """What converts or is bridged, and what stays sync as far as calls connect it with that.

    Without anything that converts it is all that the plan decides about.
    """
    decisions = {_key(decision): decision for decision in plan.functions}
    functions = {
        key: function for function in project.functions if (key := _key_of(function)) in decisions
    }
    edges = [
        (_key_of(function), callee, kind, line)
        for function in functions.values()
        for callee, kind, line in _calls(project, function)
        if callee in functions
    ]
    changing = {key for key, found in decisions.items() if found.verdict in _CHANGING}
    shown = set(changing) if changing else set(decisions)
    for caller, callee, kind, _ in edges:
        if kind != "dependency" and (caller in changing or callee in changing):
            shown |= {caller, callee}
    order = {key: number for number, key in enumerate(sorted(shown))}
    first: dict[tuple[int, int, str], int] = {}
    for caller, callee, kind, line in edges:
        if caller in order and callee in order:
            edge = (order[caller], order[callee], kind)
            first[edge] = min(line, first.get(edge, line))
    return CallGraph(
        tuple(decisions[key] for key in order),
        tuple(sorted(CallEdge(*edge, line) for edge, line in first.items())),
    )


_Key = tuple[str, int, str]


def _key(decision: FunctionDecision) -> _Key:
    return (decision.path, decision.line, decision.function)


def _key_of(function: Function) -> _Key:
    return (function.module.path, function.line, function.qualname)


def _calls(project: Project, function: Function) -> Iterator[tuple[_Key, str, int]]:
    for site in (*project.calls(function), *project.bridges(function)):
        for target in site.targets:
            yield _key_of(target), site.kind, site.node.line
