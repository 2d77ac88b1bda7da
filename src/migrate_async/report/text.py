"""A scan, a plan or a run as text for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby

from migrate_async.model.diagnostic import Diagnostic, Severity
from migrate_async.model.plan import FunctionDecision, Plan, Verdict
from migrate_async.model.scan import ScanResult
from migrate_async.model.summary import Mode, RunSummary
from migrate_async.model.verification import TypeComparison, Verification
from migrate_async.report.page import Page
from migrate_async.report.roots import Root, roots
from migrate_async.report.words import counted

SHORT_LIST = 20
"""How many files, functions or messages are listed unless all are asked for."""
FEW = 5
"""How many of what keeps others sync."""
LONG_LIST = 100
"""How many functions of a plan are, which are what a plan is about."""

_SEVERITY_STYLE = {
    Severity.ERROR.value: "bold red",
    Severity.WARNING.value: "yellow",
    Severity.NOTE.value: "cyan",
}
_VERDICT_STYLE = {
    Verdict.CONVERT.value: "green",
    Verdict.TWIN.value: "green",
    Verdict.BRIDGE.value: "cyan",
    Verdict.KEEP.value: "yellow",
    Verdict.WAIT.value: "dim",
}


# --- scan --------------------------------------------------------------------------------------


def render_scan(result: ScanResult, page: Page, *, verbose: bool = False) -> None:
    """The inventory: totals, the files with sync database code, and what could not be read."""
    read = f"{counted(result.files_found, 'file')}, {result.files_read} of them read"
    page.line((result.root, "bold"), f": {read}")
    page.blank()
    page.columns(_totals(result))
    _scan_files(result, page, verbose=verbose)
    if verbose:
        _scan_routes(result, page)
        _scan_definitions(result, page)
    render_diagnostics(result.diagnostics, page, verbose=verbose)
    if not result.has_findings:
        page.heading("No sync database code found.")
    elif result.queries or result.operations:
        page.blank()
        plan = "plan --next 1` what the first route takes" if result.routes else "plan` what to do"
        page.line(f"Next: `migrate-async lint` says what leaks and blocks, `migrate-async {plan}.")


def render_several(projects: Sequence[str], page: Page) -> None:
    """That several projects were taken for one, if they were."""
    if projects:
        page.blank()
        shown = ", ".join(projects[:3]) + (", ..." if len(projects) > 3 else "")
        page.line(
            f"This folder is no project, and has {len(projects)} in it ({shown}), which were taken "
            "for one: run migrate-async in the one that you mean."
        )


def _totals(result: ScanResult) -> list[tuple[str, str]]:
    sync_routes = sum(not route.is_async for route in result.routes)
    kinds = Counter(found.kind for found in result.definitions)
    return [
        ("query chains", str(result.queries)),
        ("sync calls", f"{result.operations} on sessions, queries, results and engines"),
        ("async calls", str(result.async_operations)),
        ("sessions opened", str(result.sessions)),
        ("routes", f"{len(result.routes)}, {sync_routes} of them sync"),
        ("functions", f"{result.functions}, {result.functions_async} of them async"),
        ("models", str(kinds["model"])),
        ("engines", str(kinds["engine"])),
        ("session factories", str(kinds["session-factory"])),
        ("dependencies", f"{kinds['dependency']} that yield a session"),
    ]


def _scan_files(result: ScanResult, page: Page, *, verbose: bool) -> None:
    busy = [file for file in result.files if file.queries or file.operations or file.sessions]
    if not busy:
        return
    page.heading("Files with sync database code")
    busy.sort(key=lambda file: (-file.queries - file.operations - file.sessions, file.path))
    shown = busy if verbose else busy[:SHORT_LIST]
    page.columns(
        [(str(f.queries), str(f.operations), str(f.sessions), f.path) for f in shown],
        header=("chains", "calls", "opened", "file"),
    )
    more(page, len(busy) - len(shown), "file")


def _scan_routes(result: ScanResult, page: Page) -> None:
    if not result.routes:
        return
    page.heading("Routes")
    page.columns(
        (
            "async" if route.is_async else "sync",
            ",".join(route.methods),
            route.url or "/",
            f"{route.path}:{route.line} {route.function}",
        )
        for route in result.routes
    )


def _scan_definitions(result: ScanResult, page: Page) -> None:
    if not result.definitions:
        return
    page.heading("Definitions")
    page.columns((d.kind, d.name, f"{d.path}:{d.line}") for d in sorted(result.definitions))


# --- plan --------------------------------------------------------------------------------------


def render_plan(plan: Plan, page: Page, *, verbose: bool = False) -> None:
    """What would be done, per function, and per file where no function changes colour."""
    page.line((f"Step {plan.step}", "bold"), f": {counts_line(plan.counts)}")
    _plan_extent(plan, page)
    _plan_roots(plan, page, verbose=verbose)
    _plan_edits(plan, page, verbose=verbose)
    _plan_functions(plan, page, verbose=verbose)
    render_diagnostics(plan.diagnostics, page, verbose=verbose)
    if not any(file.edits for file in plan.files):
        page.heading("Nothing to change.")


def _plan_extent(plan: Plan, page: Page) -> None:
    """How much changes, and how much there is to look at."""
    verdicts = Counter(decision.verdict for decision in plan.functions)
    files = [file for file in plan.files if file.edits]
    if not verdicts or not files:
        return
    edits = sum(len(file.edits) for file in files)
    page.columns(
        [
            ("converts", counted(verdicts[Verdict.CONVERT.value], "function")),
            *_kept_twice(verdicts[Verdict.TWIN.value]),
            ("bridged", counted(verdicts[Verdict.BRIDGE.value], "function")),
            ("stays", counted(verdicts[Verdict.KEEP.value], "function")),
            ("waits", counted(verdicts[Verdict.WAIT.value], "function")),
            ("size", f"{counted(edits, 'edit')} in {counted(len(files), 'file')}"),
            ("risk", f"{plan.risk}: {plan.risk_reason}"),
        ]
    )


def _plan_roots(plan: Plan, page: Page, *, verbose: bool) -> None:
    """What is worth to be changed by hand, because much stays sync for its sake."""
    found = roots(plan)
    if not found:
        return
    page.heading("What keeps others sync")
    shown = found if verbose else found[:FEW]
    for root in shown:
        _root(root, page)
    more(page, len(found) - len(shown), "function")


def _root(root: Root, page: Page) -> None:
    page.line((root.decision.function, "bold"), f" keeps {root.extent}", indent=2)
    place = f" ({root.reason.path}:{root.reason.line})" if root.reason.line else ""
    page.line((root.reason.text + place, "dim"), indent=6)


def _kept_twice(number: int) -> list[tuple[str, str]]:
    return [("kept twice", counted(number, "function"))] if number else []


def counts_line(counts: dict[str, int]) -> str:
    """The plan's counts in one line."""
    pieces = [
        _count(counts, "chains", "query chain", "chains-left", "left"),
        _count(counts, "functions", "function", "functions-kept", "kept sync"),
        _count(counts, "functions-waiting", "function") + " in later runs"
        if counts.get("functions-waiting")
        else "",
        _count(counts, "routes", "route"),
        _count(counts, "sessions", "session"),
        _count(counts, "awaits", "await"),
        _count(counts, "threads", "threaded call"),
        _count(counts, "twins", "async twin"),
        _count(counts, "pieces", "sync name", "in-the-way", "in the way"),
    ]
    return ", ".join(piece for piece in pieces if piece) or "nothing"


def _count(
    counts: dict[str, int], key: str, noun: str, left_key: str = "", left_word: str = ""
) -> str:
    number, left = counts.get(key, 0), counts.get(left_key, 0)
    if not number and not left:
        return ""
    return counted(number, noun) + (f" ({left} {left_word})" if left else "")


def _plan_edits(plan: Plan, page: Page, *, verbose: bool) -> None:
    files = [file for file in plan.files if file.edits]
    if not files:
        return
    page.heading("Edits")
    shown = files if verbose else files[:SHORT_LIST]
    for file in shown:
        owners = Counter(edit.codemod for edit in file.edits)
        page.line(file.path, indent=2)
        page.line((", ".join(f"{n} {name}" for name, n in sorted(owners.items())), "dim"), indent=4)
    more(page, len(files) - len(shown), "file")


def _plan_functions(plan: Plan, page: Page, *, verbose: bool) -> None:
    if not plan.functions:
        return
    page.heading("Functions")
    now = [d for d in plan.functions if verbose or d.verdict != Verdict.WAIT.value]
    ordered = sorted(now, key=lambda found: (found.path, found.line))
    shown = ordered if verbose else ordered[:LONG_LIST]
    for path, decisions in groupby(shown, key=lambda found: found.path):
        page.line(path, indent=2)
        for decision in decisions:
            _decision(decision, page, verbose=verbose)
    more(page, len(ordered) - len(shown), "function")
    waiting = len(plan.functions) - len(now)
    if waiting:
        told = f"{counted(waiting, 'function')} wait for a later run (--verbose lists them)"
        page.line((told, "dim"), indent=2)


def _decision(decision: FunctionDecision, page: Page, *, verbose: bool) -> None:
    style = _VERDICT_STYLE.get(decision.verdict, "")
    route = ("  " + decision.route, "bold") if decision.route else ""
    page.line(
        f"{decision.line:>5}  ",
        (f"{decision.verdict:<8}", style),
        decision.function,
        route,
        indent=2,
    )
    for reason in decision.reasons if verbose else decision.reasons[:1]:
        place = f" ({reason.path}:{reason.line})" if reason.line else ""
        page.line((reason.text + place, "dim"), indent=17)


# --- a run -------------------------------------------------------------------------------------


def render_summary(summary: RunSummary, page: Page, *, verbose: bool = False) -> None:
    """What a run changed or would change, and what it leaves to be done by hand."""
    if summary.changed:
        verb = "Changed" if summary.written else "Would change"
        lines = f"+{summary.added} -{summary.removed} lines"
        page.line((f"{verb} {counted(len(summary.changed), 'file')}", "bold"), f", {lines}")
        _changed_files(summary, page, verbose=verbose)
    else:
        page.line(("Nothing to change", "bold"), f": {counted(summary.files_read, 'file')} read")
    if summary.counts:
        page.line(f"Step {summary.step}: {counts_line(summary.counts)}")
    told = {(found.path, found.line) for found in summary.diagnostics}
    silent = [found for found in summary.kept if (found.path, found.line) not in told]
    _kept(silent, page, verbose=verbose)
    render_diagnostics(summary.diagnostics, page, verbose=verbose)
    _what_next(summary, page)


def _changed_files(summary: RunSummary, page: Page, *, verbose: bool) -> None:
    shown = summary.changed if verbose else summary.changed[:SHORT_LIST]
    page.columns((f"+{f.added}", f"-{f.removed}", f.path) for f in shown)
    more(page, len(summary.changed) - len(shown), "file")


def _kept(kept: Sequence[FunctionDecision], page: Page, *, verbose: bool) -> None:
    """The functions that stay sync and that no message is about: they were not selected."""
    if not kept:
        return
    heading = f"{counted(len(kept), 'function')} kept sync outside of what was selected"
    if not verbose:
        page.line((f"{heading} (--verbose lists them)", "dim"))
        return
    page.heading(heading)
    for decision in kept:
        page.line(f"{decision.path}:{decision.line} ", (decision.function, "bold"), indent=2)
        for reason in decision.reasons[:1]:
            page.line(reason.text, indent=4)


def _what_next(summary: RunSummary, page: Page) -> None:
    if summary.internal_errors:
        page.heading("Nothing was written because of a bug in migrate-async.")
        page.line("Please report it with the message above and a piece of the file.")
    if not summary.changed:
        return
    page.blank()
    if summary.written:
        page.line("Run your tests; `migrate-async undo` puts the files back.")
    elif summary.mode != Mode.DIFF.value:
        page.line("Nothing is written. See it with --diff, do it with --write.")


# --- shared ------------------------------------------------------------------------------------


def render_verification(found: Verification, page: Page, *, verbose: bool = False) -> None:
    """The messages of `verify`, or that there are none; then what the type checker says."""
    render_diagnostics(found.diagnostics, page, verbose=verbose)
    if not found.diagnostics:
        page.line("Nothing found.")
    if found.types is not None:
        _render_types(found.types, page, verbose=verbose)


def _render_types(types: TypeComparison, page: Page, *, verbose: bool) -> None:
    if types.skipped:
        page.line(f"Types were not compared: {types.skipped}.")
        return
    numbers = (
        f"{types.errors_before} before, {types.errors_after} now, {len(types.new)} of them new"
    )
    page.line((f"Type errors by {types.tool}", "bold"), f": {numbers}")
    render_diagnostics(types.new, page, verbose=verbose)


def render_diagnostics(
    diagnostics: Sequence[Diagnostic], page: Page, *, verbose: bool = False
) -> None:
    """Messages, the graver first, each with its next step on a line of its own."""
    if not diagnostics:
        return
    numbers = Counter(found.severity for found in diagnostics)
    listed = ", ".join(
        counted(numbers[level], level) for level in _SEVERITY_STYLE if numbers[level]
    )
    page.heading(f"{counted(len(diagnostics), 'message')}: {listed}")
    shown = _by_gravity(diagnostics if verbose else _some_of_each_code(diagnostics))
    for found in shown:
        _diagnostic(found, page)
    more(page, len(diagnostics) - len(shown), "message")
    if len(diagnostics) > len(shown):
        codes = Counter(found.code for found in diagnostics).most_common()
        page.line((", ".join(f"{number} {code}" for code, number in codes), "dim"), indent=6)


def _by_gravity(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    gravity = list(_SEVERITY_STYLE)
    return sorted(diagnostics, key=lambda found: (gravity.index(found.severity), found))


def _some_of_each_code(diagnostics: Sequence[Diagnostic]) -> list[Diagnostic]:
    """As many as are listed at once: errors first, then the first of each code, the second, ..."""
    seen: Counter[str] = Counter()
    ranked: list[tuple[bool, int, Diagnostic]] = []
    for found in _by_gravity(diagnostics):
        seen[found.code] += 1
        ranked.append((found.severity != Severity.ERROR.value, seen[found.code], found))
    ranked.sort(key=lambda entry: entry[:2])
    return [found for _, _, found in ranked[:SHORT_LIST]]


def _diagnostic(found: Diagnostic, page: Page) -> None:
    place = f"{found.path}:{found.line}:{found.column}" if found.line else found.path
    style = _SEVERITY_STYLE.get(found.severity, "")
    page.line(place, " ", (f"{found.severity}[{found.code}]", style), f" {found.message}", indent=2)
    if found.next_step:
        page.line((found.next_step, "dim"), indent=6)


def more(page: Page, hidden: int, noun: str) -> None:
    """Say how many entries of a list are not shown, if any."""
    if hidden > 0:
        page.line((f"... and {counted(hidden, noun)} more (--verbose lists all)", "dim"), indent=2)
