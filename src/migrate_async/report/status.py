"""How far the migration is, as text for people."""

from __future__ import annotations

from collections.abc import Sequence

from migrate_async.model.status import ModuleStatus, Snapshot, State, Status
from migrate_async.report.page import Page
from migrate_async.report.text import SHORT_LIST, more
from migrate_async.report.words import counted

_BAR = 30


def render_status(
    status: Status, history: Sequence[Snapshot], page: Page, *, verbose: bool = False
) -> None:
    """The totals, what has changed since the last record, the modules left, what is in the way."""
    page.line((f"{status.done:g}% async", "bold"), f"  {_bar(status.done)}")
    page.blank()
    page.columns(_totals(status))
    if len(history) > 1:
        last = history[-1]
        page.line(f"Since {history[0].date}: from {history[0].done:g}% to {last.done:g}%", indent=2)
    _modules(status, page, verbose=verbose)
    _blockers(status, page, verbose=verbose)
    if verbose:
        _routes(status, page)
        _uses(status, page)


def _bar(done: float) -> str:
    full = int(_BAR * done / 100)
    return "#" * full + "." * (_BAR - full)


def _totals(status: Status) -> list[tuple[str, str]]:
    left = status.routes_in(State.SYNC, State.MIXED)
    migrated = status.functions - status.functions_left
    rows = [
        ("routes", f"{status.database_routes - left} of {status.database_routes}"),
        ("functions", f"{migrated} of {status.functions}"),
        ("query chains left", str(status.chains)),
        ("bridges", str(len(status.bridges))),
        ("shim uses", str(len(status.shims))),
        ("in the way", str(len(status.blockers))),
    ]
    lint = [(f"lint {code}", str(number)) for code, number in status.lint.items()]
    return rows + lint


def _modules(status: Status, page: Page, *, verbose: bool) -> None:
    open_modules = [module for module in status.modules if module.left or module.chains]
    if not open_modules:
        return
    page.heading("Modules left")
    open_modules.sort(key=lambda module: (-module.left, -module.chains, module.path))
    shown = open_modules if verbose else open_modules[:SHORT_LIST]
    page.columns(map(_module, shown), header=("done", "functions left", "chains", "module"))
    more(page, len(open_modules) - len(shown), "module")


def _module(module: ModuleStatus) -> tuple[str, ...]:
    return (f"{module.done:g}%", str(module.left), str(module.chains), module.path)


def _blockers(status: Status, page: Page, *, verbose: bool) -> None:
    if not status.blockers:
        return
    page.heading("In the way")
    shown = status.blockers if verbose else status.blockers[:SHORT_LIST]
    for found in shown:
        verb = "waits" if found.routes == 1 else "wait"
        waiting = f" ({counted(found.routes, 'route')} {verb})" if found.routes else ""
        page.line(f"{found.path}:{found.line} ", (found.function, "bold"), waiting, indent=2)
        page.line((found.reason, "dim"), indent=6)
    more(page, len(status.blockers) - len(shown), "place")


def _routes(status: Status, page: Page) -> None:
    if status.routes:
        page.heading("Routes")
        page.columns(
            (r.state, ",".join(r.methods), r.url or "/", f"{r.path}:{r.line} {r.function}")
            for r in status.routes
        )


def _uses(status: Status, page: Page) -> None:
    for title, uses in (("Bridges", status.bridges), ("Shim uses", status.shims)):
        if uses:
            page.heading(title)
            page.columns(
                (use.kind, f"{use.path}:{use.line}", f"{use.function} {use.text}") for use in uses
            )
