"""A plan as one HTML file that needs no network and reads without script."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from html import escape

from migrate_async.model.diagnostic import Diagnostic, Severity
from migrate_async.model.graph import CallEdge, CallGraph
from migrate_async.model.plan import FilePlan, FunctionDecision, Plan, Verdict
from migrate_async.model.status import percentage
from migrate_async.report import html
from migrate_async.report.charts import ring
from migrate_async.report.roots import Root, roots
from migrate_async.report.words import counted

_ORDER = tuple(
    verdict.value
    for verdict in (Verdict.KEEP, Verdict.BRIDGE, Verdict.WAIT, Verdict.TWIN, Verdict.CONVERT)
)
_GRAVITY = (Severity.ERROR.value, Severity.WARNING.value, Severity.NOTE.value)


def plan_page(plan: Plan, graph: CallGraph, project: str) -> str:
    """The whole document; `graph` is that of the plan, `project` the name to show."""
    verdicts = Counter(node.verdict for node in graph.nodes)
    name = project or "Project"
    heading = html.Heading(f"Plan of the step {plan.step}", name, _lead(plan, verdicts))
    parts = (
        _hero(plan, verdicts),
        _modules(graph),
        _roots(roots(plan)),
        _functions(graph),
        _border(graph),
        _messages(_untold(plan)),
        _files(plan.files),
    )
    return html.document(f"{name}: plan", heading, "\n".join(part for part in parts if part))


def _lead(plan: Plan, verdicts: Counter[str]) -> str:
    if not any(file.edits for file in plan.files):
        return "Nothing to change."
    converts = counted(verdicts[Verdict.CONVERT.value], "function")
    risk = f"Risk: {plan.risk}, {plan.risk_reason}."
    if not verdicts:
        return risk
    become = "becomes a coroutine" if verdicts[Verdict.CONVERT.value] == 1 else "become coroutines"
    return f"{converts} {become}. {risk}"


def _hero(plan: Plan, verdicts: Counter[str]) -> str:
    files = [file for file in plan.files if file.edits]
    tiles = (
        html.tile("Become async", verdicts[Verdict.CONVERT.value]),
        html.tile("Bridged", verdicts[Verdict.BRIDGE.value]),
        html.tile("Stay sync", verdicts[Verdict.KEEP.value] + verdicts[Verdict.WAIT.value]),
        html.tile("Files", len(files)),
        html.tile("Edits", sum(len(file.edits) for file in files)),
        html.tile("Messages", len(_untold(plan))),
    )
    done = percentage(verdicts[Verdict.CONVERT.value], verdicts.total())
    return html.hero(ring(done, "async"), tiles)


def _untold(plan: Plan) -> list[Diagnostic]:
    """The messages, but for those that are the verdict of a function."""
    told = {(found.path, found.line) for found in plan.functions}
    return [item for item in plan.diagnostics if (item.path, item.line) not in told]


def _modules(graph: CallGraph) -> str:
    verdicts: dict[str, Counter[str]] = defaultdict(Counter)
    for node in graph.nodes:
        verdicts[node.path][node.verdict] += 1
    if not verdicts:
        return ""
    areas = [_area(path, found) for path, found in sorted(verdicts.items())]
    whole = sum(area.done == 100 for area in areas)
    label = f"Map of {counted(len(areas), 'module')}, {whole} of them all async afterwards"
    hint = "A tile is as large as its module has functions in the plan."
    return html.section("Modules", hint, html.heat_map(areas, label, "all async"), "modules")


def _area(path: str, verdicts: Counter[str]) -> html.Area:
    done = percentage(verdicts[Verdict.CONVERT.value], verdicts.total())
    numbers = ", ".join(f"{verdicts[v]} {v}" for v in reversed(_ORDER) if verdicts[v])
    return html.Area(path, verdicts.total(), done, f"{path}: {numbers}")


def _roots(found: Sequence[Root]) -> str:
    if not found:
        return ""
    items = [
        f"<li><p><code>{html.breakable(root.decision.function)}</code> "
        f"keeps {escape(root.extent)}</p><p>{escape(root.reason.text)}</p>"
        f'<p class="where">{html.breakable(root.decision.path)}:{root.decision.line}</p></li>'
        for root in found
    ]
    hint = "Functions that stay sync for a reason of their own, and how many do because of them."
    return html.section("What keeps others sync", hint, html.folded(items), "roots")


# --- functions ---------------------------------------------------------------------------------


def _functions(graph: CallGraph) -> str:
    if not graph.nodes:
        return ""
    callers: dict[int, list[CallEdge]] = defaultdict(list)
    callees: dict[int, list[CallEdge]] = defaultdict(list)
    for edge in graph.edges:
        callees[edge.caller].append(edge)
        callers[edge.callee].append(edge)
    numbers = sorted(
        range(len(graph.nodes)), key=lambda number: _ORDER.index(graph.nodes[number].verdict)
    )
    rows = "".join(_function(graph, number, callers[number], callees[number]) for number in numbers)
    states = [(verdict, _count(graph, verdict)) for verdict in _ORDER]
    table = html.table(("Verdict", "Function and why"), rows, "Functions and their verdict")
    content = html.filtered(table, "functions", "Filter by name, route, file or reason", states)
    hint = (
        "Convert: becomes a coroutine. Bridge: stays sync, async code goes on calling it. "
        "Wait: was not selected. Keep: stays sync for the reason given."
    )
    return html.section("Functions", hint, content, "functions")


def _count(graph: CallGraph, verdict: str) -> int:
    return sum(node.verdict == verdict for node in graph.nodes)


def _function(
    graph: CallGraph, number: int, callers: Sequence[CallEdge], callees: Sequence[CallEdge]
) -> str:
    node = graph.nodes[number]
    route = f"<b>{escape(node.route)}</b><br>" if node.route else ""
    first = escape(node.reasons[0].text) if node.reasons else ""
    links = [
        *_reasons(node),
        *(_link(graph, edge.caller, "called by", edge) for edge in callers),
        *(_link(graph, edge.callee, "calls", edge) for edge in callees),
    ]
    more = f"<details><summary>More</summary><ul>{''.join(links)}</ul></details>" if links else ""
    return (
        f'<tr id="f{number}" data-state="{node.verdict}"><td>{html.badge(node.verdict)}</td>'
        f'<td class="wide most">{route}<code>{html.breakable(node.function)}</code> '
        f'<span class="muted">{html.breakable(node.path)}:{node.line}</span><br>{first}{more}'
        "</td></tr>"
    )


def _reasons(node: FunctionDecision) -> Iterator[str]:
    for reason in node.reasons[1:]:
        yield f"<li>because {escape(reason.text)}</li>"


def _link(graph: CallGraph, number: int, words: str, edge: CallEdge) -> str:
    other = graph.nodes[number]
    kind = "" if edge.kind == "call" else f" ({edge.kind})"
    return (
        f'<li>{words} <a href="#f{number}">{html.breakable(other.function)}</a>{kind}, '
        f"{other.verdict}</li>"
    )


def _border(graph: CallGraph) -> str:
    """Where coroutines reach code that stays sync."""
    crossing = [
        edge
        for edge in graph.edges
        if edge.kind != "dependency"
        and graph.nodes[edge.caller].verdict == Verdict.CONVERT.value
        and graph.nodes[edge.callee].verdict != Verdict.CONVERT.value
    ]
    if not crossing:
        return ""
    rows = "".join(
        f'<tr><td class="wide"><code>{html.breakable(graph.nodes[edge.caller].function)}</code> '
        f'<span class="muted">{html.breakable(graph.nodes[edge.caller].path)}:{edge.line}</span>'
        f'</td><td class="wide"><code>{html.breakable(graph.nodes[edge.callee].function)}</code>'
        "</td></tr>"
        for edge in crossing
    )
    table = html.table(("Coroutine", "Sync function"), rows, "Calls over a bridge")
    return html.section("Border", "Coroutines that call what stays sync.", table, "border")


# --- messages and files ------------------------------------------------------------------------


def _messages(diagnostics: Sequence[Diagnostic]) -> str:
    ordered = sorted(diagnostics, key=lambda found: (_GRAVITY.index(found.severity), found))
    if not ordered:
        return ""
    items = [
        f"<li><p><code>{escape(found.code)}</code> {escape(found.message)}</p>"
        f"<p>{escape(found.next_step)}</p>"
        f'<p class="where">{html.breakable(found.path)}:{found.line}</p></li>'
        for found in ordered
    ]
    return html.section("Messages", "What is left to do by hand.", html.folded(items), "messages")


def _files(files: Sequence[FilePlan]) -> str:
    changing = [file for file in files if file.edits]
    if not changing:
        return ""
    rows = "".join(
        f'<tr><td class="num">{len(file.edits)}</td><td class="wide">'
        f"<code>{html.breakable(file.path)}</code><br>"
        f'<span class="muted">{escape(", ".join(_owners(file)))}</span></td></tr>'
        for file in changing
    )
    table = html.table(("Edits", "File"), rows, "Files that change")
    return html.section("Files", "Edits by codemod.", table, "files")


def _owners(file: FilePlan) -> list[str]:
    numbers = Counter(edit.codemod for edit in file.edits)
    return [f"{number} {name}" for name, number in sorted(numbers.items())]
