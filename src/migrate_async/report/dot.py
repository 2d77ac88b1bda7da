"""The call graph of a plan in the language of Graphviz: `dot -Tsvg plan.dot > plan.svg`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from migrate_async.model.graph import CallEdge, CallGraph
from migrate_async.model.plan import FunctionDecision, Verdict

_COLOURS = {
    Verdict.CONVERT.value: ("#d3efe9", "#0b6e66"),
    Verdict.TWIN.value: ("#d3efe9", "#8a5300"),
    Verdict.BRIDGE.value: ("#fdeccb", "#8a5300"),
    Verdict.WAIT.value: ("#eceaf1", "#5b576b"),
    Verdict.KEEP.value: ("#fbdde7", "#a3305a"),
}
"""Fill and border of each verdict: the colours of the status page."""
_EDGES = {"dependency": "style=dotted", "bridge": "style=dashed", "property": "arrowhead=empty"}


def dot_graph(graph: CallGraph) -> str:
    """A cluster for each file, a node for each function in the colour of its verdict.

    Calls are arrows: dotted where FastAPI makes them, dashed over a bridge.
    """
    return "\n".join(("digraph plan {", *_HEAD, *_clusters(graph), *_edges(graph), "}", ""))


_HEAD = (
    "  rankdir=LR;",
    '  graph [fontname="Helvetica", bgcolor="white"];',
    '  node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=11];',
    '  edge [color="#5b576b", arrowsize=0.7];',
)


def _clusters(graph: CallGraph) -> Iterator[str]:
    by_path: dict[str, list[int]] = defaultdict(list)
    for number, node in enumerate(graph.nodes):
        by_path[node.path].append(number)
    for number, (path, members) in enumerate(sorted(by_path.items())):
        yield f"  subgraph cluster_{number} {{"
        yield f'    label={_quoted(path)}; color="#c9c5bb"; fontcolor="#5b576b";'
        for member in members:
            yield f"    {_node(member, graph.nodes[member])}"
        yield "  }"


def _node(number: int, decision: FunctionDecision) -> str:
    fill, border = _COLOURS.get(decision.verdict, ("#ffffff", "#000000"))
    label = _quoted(_short(decision))
    tip = _quoted("; ".join(reason.text for reason in decision.reasons))
    return (
        f'n{number} [label={label}, tooltip={tip}, fillcolor="{fill}", color="{border}", '
        'fontcolor="#1e1b2e"];'
    )


def _short(decision: FunctionDecision) -> str:
    """The class and name of a function (the file is the cluster's label), and its route."""
    own = _after_module(decision)
    return f"{decision.route}\n{own}" if decision.route else own


def _after_module(decision: FunctionDecision) -> str:
    """The part of the qualified name that is not the module's: a class and a function."""
    parts = decision.function.split(".")
    modules = set(decision.path.removesuffix(".py").split("/"))
    while len(parts) > 1 and parts[0] in modules:
        parts = parts[1:]
    return ".".join(parts)


def _edges(graph: CallGraph) -> Iterator[str]:
    for edge in graph.edges:
        yield f"  n{edge.caller} -> n{edge.callee}{_style(graph, edge)};"


def _style(graph: CallGraph, edge: CallEdge) -> str:
    crosses = (
        edge.kind in ("call", "implicit")
        and graph.nodes[edge.caller].verdict == Verdict.CONVERT.value
        and graph.nodes[edge.callee].verdict != Verdict.CONVERT.value
    )
    style = _EDGES.get("bridge" if crosses else edge.kind, "")
    return f" [{style}]" if style else ""


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
