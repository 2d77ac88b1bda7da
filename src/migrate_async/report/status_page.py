"""How far the migration is, as one HTML file that needs no network and reads without script."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from migrate_async.model.status import (
    Blocker,
    ModuleStatus,
    RouteStatus,
    Snapshot,
    State,
    Status,
    Use,
    percentage,
)
from migrate_async.report import html
from migrate_async.report.charts import ring, trend
from migrate_async.report.words import counted


def status_page(status: Status, history: Sequence[Snapshot], date: str, commit: str) -> str:
    """The whole document. `history` ends with the numbers of `status`, of `date` and `commit`."""
    title = f"{status.project or 'Project'}: {status.done:g}% async"
    body = "\n".join(
        part
        for part in (
            _hero(status),
            _trend(history),
            _modules(status.modules),
            _routes(status.routes),
            _blockers(status.blockers),
            _uses(status),
            _lint(status.lint),
        )
        if part
    )
    at = f"commit <code>{escape(commit)}</code>, " if commit else ""
    name = status.project or "Project"
    heading = html.Heading("Migration to async SQLAlchemy", name, _lead(status))
    return html.document(title, heading, body, f"{at}{escape(date)} · ")


def _lead(status: Status) -> str:
    left = status.routes_in(State.SYNC, State.MIXED)
    if not status.functions_left and not left:
        return "Everything that reaches the database is async."
    functions = counted(status.functions_left, "function")
    return f"{counted(left, 'route')} and {functions} left to migrate. Tests are not counted."


# --- the head ----------------------------------------------------------------------------------


def _hero(status: Status) -> str:
    routes_left = status.routes_in(State.SYNC, State.MIXED)
    tiles = (
        _progress("Routes", status.database_routes - routes_left, status.database_routes),
        _progress("Functions", status.functions - status.functions_left, status.functions),
        html.tile("Query chains left", status.chains),
        html.tile("Bridges", len(status.bridges)),
        html.tile("Shim uses", len(status.shims)),
        html.tile("In the way", len(status.blockers)),
    )
    return html.hero(ring(status.done), tiles)


def _progress(name: str, part: int, whole: int) -> str:
    width = percentage(part, whole)
    return (
        f'<div class="tile"><dt>{name}</dt><dd>{part:,} <small>of {whole:,}</small></dd>'
        f'<dd class="meter" aria-hidden="true"><i style="width:{width:g}%"></i></dd></div>'
    )


# --- the trend ---------------------------------------------------------------------------------


def _trend(history: Sequence[Snapshot]) -> str:
    if len(history) < 2:
        return ""
    first, last = history[0], history[-1]
    gone = first.functions_left - last.functions_left
    hint = f"Functions left to migrate, day by day: {gone:,} fewer than on {first.date}."
    rows = "".join(
        f'<tr><td>{item.date}</td><td class="num">{item.done:g}%</td>'
        f'<td class="num">{item.functions_left:,}</td><td class="num">{item.routes_left:,}</td>'
        f'<td class="num">{item.chains:,}</td><td class="num">{item.bridges:,}</td></tr>'
        for item in reversed(history)
    )
    table = html.table(
        ("Date", "Async", "Functions left", "Routes left", "Chains", "Bridges"), rows, "The trend"
    )
    content = f"{trend(history)}\n<details><summary>The numbers</summary>{table}</details>"
    return html.section("Burn-down", hint, content, "trend")


# --- modules -----------------------------------------------------------------------------------


def _modules(modules: Sequence[ModuleStatus]) -> str:
    """A map in which each module has room by its functions, and the same as a table."""
    known = [module for module in modules if module.functions]
    if not known:
        return ""
    finished = sum(not module.left for module in known)
    label = f"Map of {counted(len(known), 'module')}, {finished} of them all async"
    picture = html.heat_map(map(_area, known), label, "all async")
    rows = "".join(map(_module, sorted(known, key=lambda module: (-module.left, module))))
    head = ("Async", "Functions left", "Functions", "Chains", "Module")
    table = html.table(head, rows, "Modules")
    content = f"{picture}\n<details><summary>As a table</summary>{table}</details>"
    hint = "A tile is as large as its module has functions that reach the database."
    return html.section("Modules", hint, content, "modules")


def _area(module: ModuleStatus) -> html.Area:
    numbers = f"{module.left} of {counted(module.functions, 'function')} left"
    tip = f"{module.path}: {numbers}, {counted(module.chains, 'query chain')}"
    return html.Area(module.path, module.functions, module.done, tip)


def _module(module: ModuleStatus) -> str:
    return (
        f'<tr><td class="num"><i class="swatch {html.shade(module.done)}"></i>{module.done:g}%</td>'
        f'<td class="num">{module.left}</td><td class="num">{module.functions}</td>'
        f'<td class="num">{module.chains}</td><td><code>{escape(module.path)}</code></td></tr>'
    )


# --- routes ------------------------------------------------------------------------------------


def _routes(routes: Sequence[RouteStatus]) -> str:
    if not routes:
        return ""
    order = [state.value for state in (State.SYNC, State.MIXED, State.BRIDGED, State.ASYNC)]
    order.append(State.PLAIN.value)
    ordered = sorted(routes, key=lambda route: (order.index(route.state), route))
    states = [(state, sum(route.state == state for route in routes)) for state in order]
    head = ("State", "Method", "URL", "Function")
    table = html.table(head, "".join(map(_route, ordered)), "Routes and their state")
    content = html.filtered(table, "routes", "Filter by URL, function or file", states)
    hint = (
        "A route is async when all that it needs is: it, and what FastAPI injects into it. "
        "Mixed ones run sync database code in a coroutine."
    )
    return html.section("Routes", hint, content, "routes")


def _route(route: RouteStatus) -> str:
    name = escape(route.function.rpartition(".")[2])
    return (
        f'<tr data-state="{route.state}"><td>{html.badge(route.state)}</td>'
        f"<td>{escape(', '.join(route.methods))}</td>"
        f'<td class="wide"><code>{html.breakable(route.url or "/")}</code></td>'
        f'<td><code>{name}</code><br><span class="muted">{escape(route.path)}:{route.line}</span>'
        "</td></tr>"
    )


# --- lists -------------------------------------------------------------------------------------


def _blockers(blockers: Sequence[Blocker]) -> str:
    if not blockers:
        return html.section(
            "In the way", "", '<p class="done">Nothing keeps database code sync.</p>', "blockers"
        )
    items = [_blocker(found) for found in blockers]
    hint = "Code that cannot become a coroutine and reaches a sync session; most awaited first."
    return html.section("In the way", hint, html.folded(items), "blockers")


def _blocker(found: Blocker) -> str:
    waiting = f" · {counted(found.routes, 'route')} wait" if found.routes else ""
    return (
        f"<li><p><code>{html.breakable(found.function)}</code></p><p>{escape(found.reason)}</p>"
        f'<p class="where">{escape(found.path)}:{found.line}{waiting}</p></li>'
    )


def _uses(status: Status) -> str:
    parts = [
        _use_list("Bridges", "Coroutines that reach sync code.", status.bridges, "bridges"),
        _use_list("Shim", "What is there only until the end.", status.shims, "shims"),
    ]
    found = "".join(part for part in parts if part)
    return f'<div class="two">{found}</div>' if found else ""


def _use_list(title: str, hint: str, uses: Sequence[Use], name: str) -> str:
    if not uses:
        return ""
    rows = "".join(
        f'<tr><td><code>{escape(use.kind)}</code></td><td class="wide">'
        f"<code>{html.breakable(use.text or use.function)}</code><br>"
        f'<span class="muted">{html.breakable(use.path)}:{use.line}</span></td></tr>'
        for use in uses
    )
    return html.section(title, hint, html.table(("Kind", "What and where"), rows, title), name)


def _lint(lint: dict[str, int]) -> str:
    if not lint:
        return ""
    rows = "".join(
        f'<tr><td><code>{escape(code)}</code></td><td class="num">{number:,}</td></tr>'
        for code, number in lint.items()
    )
    table = html.table(("Code", "Findings"), rows, "Findings of the linter")
    return html.section("Lint debt", "Findings of the linter by code.", table, "lint")
