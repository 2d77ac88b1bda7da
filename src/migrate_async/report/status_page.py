"""How far the migration is, as one HTML file that needs no network and reads without script."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files

from migrate_async import __version__
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
from migrate_async.report.charts import ring, trend
from migrate_async.report.treemap import Rectangle, squarified
from migrate_async.report.words import counted

_SHADES = (20, 50, 80, 100)
"""Per cent at which a module takes the next shade of the map."""
_MAP_WIDTH, _MAP_HEIGHT = 1070, 460


def status_page(status: Status, history: Sequence[Snapshot], date: str, commit: str) -> str:
    """The whole document. `history` ends with the numbers of `status`, of `date` and `commit`."""
    assets = files("migrate_async.report") / "assets"
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
    return f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<title>{escape(title)}</title>
<style>
{(assets / "status.css").read_text("utf-8")}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header class="top">
<p class="eyebrow">Migration to async SQLAlchemy</p>
<h1>{escape(status.project or "Project")}</h1>
<p class="lead">{_lead(status)}</p>
</header>
<main id="content">
{body}
</main>
<footer>{at}{escape(date)} · migrate-async {escape(__version__)}</footer>
<div id="tip" role="status"></div>
<script>
{(assets / "status.js").read_text("utf-8")}</script>
</body>
</html>
"""


def _lead(status: Status) -> str:
    left = status.routes_in(State.SYNC, State.MIXED)
    if not status.functions_left and not left:
        return "Everything that reaches the database is async."
    functions = counted(status.functions_left, "function")
    return f"{counted(left, 'route')} and {functions} left to migrate. Tests are not counted."


def _section(title: str, hint: str, content: str, name: str) -> str:
    return f"""\
<section aria-labelledby="{name}-title" id="{name}">
<h2 id="{name}-title">{title}</h2>
<p class="hint">{hint}</p>
{content}
</section>"""


# --- the head ----------------------------------------------------------------------------------


def _hero(status: Status) -> str:
    routes_left = status.routes_in(State.SYNC, State.MIXED)
    tiles = "".join(
        (
            _progress("Routes", status.database_routes - routes_left, status.database_routes),
            _progress("Functions", status.functions - status.functions_left, status.functions),
            _tile("Query chains left", status.chains),
            _tile("Bridges", len(status.bridges)),
            _tile("Shim uses", len(status.shims)),
            _tile("In the way", len(status.blockers)),
        )
    )
    return f"""\
<section class="hero" aria-label="Overview">
{ring(status.done)}
<dl class="tiles">{tiles}</dl>
</section>"""


def _tile(name: str, number: int) -> str:
    return f'<div class="tile"><dt>{name}</dt><dd>{number:,}</dd></div>'


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
    table = _table(
        ("Date", "Async", "Functions left", "Routes left", "Chains", "Bridges"), rows, "The trend"
    )
    content = f"{trend(history)}\n<details><summary>The numbers</summary>{table}</details>"
    return _section("Burn-down", hint, content, "trend")


# --- modules -----------------------------------------------------------------------------------


def _modules(modules: Sequence[ModuleStatus]) -> str:
    """A map in which each module has room by its functions, and the same as a table."""
    known = sorted(
        (module for module in modules if module.functions),
        key=lambda module: (-module.functions, module),
    )
    if not known:
        return ""
    shades = ("under 20%", "20 to 50%", "50 to 80%", "80% and more", "all async")
    legend = "".join(
        f'<li><i class="h{number}"></i>{text}</li>' for number, text in enumerate(shades)
    )
    places = squarified([module.functions for module in known], _MAP_WIDTH, _MAP_HEIGHT)
    cells = "".join(map(_cell, known, places))
    finished = sum(not module.left for module in known)
    label = f"Map of {counted(len(known), 'module')}, {finished} of them all async"
    rows = "".join(map(_module, sorted(known, key=lambda module: (-module.left, module))))
    head = ("Async", "Functions left", "Functions", "Chains", "Module")
    table = _table(head, rows, "Modules")
    content = f"""\
<ul class="legend" aria-label="Shades">{legend}</ul>
<div class="heat" role="img" aria-label="{label}">{cells}</div>
<details><summary>As a table</summary>{table}</details>"""
    hint = "A tile is as large as its module has functions that reach the database."
    return _section("Modules", hint, content, "modules")


def _cell(module: ModuleStatus, place: Rectangle) -> str:
    left, top = 100 * place.left / _MAP_WIDTH, 100 * place.top / _MAP_HEIGHT
    width, height = 100 * place.width / _MAP_WIDTH, 100 * place.height / _MAP_HEIGHT
    numbers = f"{module.left} of {counted(module.functions, 'function')} left"
    tip = f"{module.path}: {numbers}, {counted(module.chains, 'query chain')}"
    text = f"<b>{escape(_short(module.path))}</b><span>{module.done:g}%</span>"
    return (
        f'<div class="cell {_shade(module)}" data-tip="{escape(tip)}" style="left:{left:.3f}%;'
        f'top:{top:.3f}%;width:{width:.3f}%;height:{height:.3f}%"><p>{text}</p></div>'
    )


def _shade(module: ModuleStatus) -> str:
    return f"h{sum(module.done >= limit for limit in _SHADES)}"


def _short(path: str) -> str:
    """The last two parts of a path: `service.py` alone says little."""
    return "/".join(path.removesuffix(".py").split("/")[-2:])


def _module(module: ModuleStatus) -> str:
    return (
        f'<tr><td class="num"><i class="swatch {_shade(module)}"></i>{module.done:g}%</td>'
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
    present = [state for state in order if any(route.state == state for route in routes)]
    chips = _chip("", "all", len(routes), pressed=True) + "".join(
        _chip(state, state, sum(route.state == state for route in routes), pressed=False)
        for state in present
    )
    tools = f"""\
<div class="tools" role="search">
<label class="visually-hidden" for="filter">Filter the routes</label>
<input type="search" id="filter" placeholder="Filter by URL, function or file" autocomplete="off">
{chips}
<span class="muted" id="shown" role="status"></span>
</div>"""
    head = ("State", "Method", "URL", "Function")
    table = _table(head, "".join(map(_route, ordered)), "Routes and their state")
    empty = '<p class="muted" id="none" hidden>No route fits the filter.</p>'
    hint = (
        "A route is async when all that it needs is: it, and what FastAPI injects into it. "
        "Mixed ones run sync database code in a coroutine."
    )
    return _section("Routes", hint, tools + table + empty, "routes")


def _chip(state: str, text: str, number: int, *, pressed: bool) -> str:
    is_pressed = "true" if pressed else "false"
    return (
        f'<button type="button" class="chip" data-state="{state}" aria-pressed="{is_pressed}">'
        f"{text} {number}</button>"
    )


def _route(route: RouteStatus) -> str:
    name = escape(route.function.rpartition(".")[2])
    return (
        f'<tr data-state="{route.state}"><td>{_badge(route.state)}</td>'
        f"<td>{escape(', '.join(route.methods))}</td>"
        f'<td class="wide"><code>{_breakable(route.url or "/")}</code></td>'
        f'<td><code>{name}</code><br><span class="muted">{escape(route.path)}:{route.line}</span>'
        "</td></tr>"
    )


def _breakable(text: str) -> str:
    """Text that a line may end in after each part of a path, or of a dotted name."""
    separator = "/" if "/" in text else "."
    return escape(text).replace(separator, f"{separator}<wbr>")


def _badge(state: str) -> str:
    return f'<span class="state {state}">{state}</span>'


def _table(head: Iterable[str], rows: str, caption: str) -> str:
    cells = "".join(f'<th scope="col">{name}</th>' for name in head)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{caption}"><table>'
        f'<caption class="visually-hidden">{caption}</caption>'
        f"<thead><tr>{cells}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


# --- lists -------------------------------------------------------------------------------------


def _blockers(blockers: Sequence[Blocker]) -> str:
    if not blockers:
        return _section(
            "In the way", "", '<p class="done">Nothing keeps database code sync.</p>', "blockers"
        )
    items = "".join(map(_blocker, blockers[:12]))
    rest = "".join(map(_blocker, blockers[12:]))
    if rest:
        more = f"<summary>{len(blockers) - 12} more</summary>"
        rest = f'<details>{more}<ol class="blockers" start="13">{rest}</ol></details>'
    hint = "Code that cannot become a coroutine and reaches a sync session; most awaited first."
    return _section("In the way", hint, f'<ol class="blockers">{items}</ol>{rest}', "blockers")


def _blocker(found: Blocker) -> str:
    waiting = f" · {counted(found.routes, 'route')} wait" if found.routes else ""
    return (
        f"<li><p><code>{_breakable(found.function)}</code></p><p>{escape(found.reason)}</p>"
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
        f"<code>{_breakable(use.text or use.function)}</code><br>"
        f'<span class="muted">{_breakable(use.path)}:{use.line}</span></td></tr>'
        for use in uses
    )
    return _section(title, hint, _table(("Kind", "What and where"), rows, title), name)


def _lint(lint: dict[str, int]) -> str:
    if not lint:
        return ""
    rows = "".join(
        f'<tr><td><code>{escape(code)}</code></td><td class="num">{number:,}</td></tr>'
        for code, number in lint.items()
    )
    table = _table(("Code", "Findings"), rows, "Findings of the linter")
    return _section("Lint debt", "Findings of the linter by code.", table, "lint")
