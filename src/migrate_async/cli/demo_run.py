"""What `migrate-async demo` does, act by act."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec

from migrate_async.cli import demo_app, use_cases
from migrate_async.cli.demo_app import Answer, Request
from migrate_async.cli.invocation import Invocation
from migrate_async.cli.use_cases import Migration
from migrate_async.cli.workspace import open_workspace
from migrate_async.errors import UsageError
from migrate_async.model.plan import Step, Verdict
from migrate_async.model.summary import Mode
from migrate_async.report.diff import coloured, shortened
from migrate_async.report.page import Page
from migrate_async.report.text import render_plan, render_summary
from migrate_async.report.words import counted

SHOWN_ANSWERS = 6


def run(
    folder: Path | None, copy: Path | None, invocation: Invocation, *, diff_lines: int | None
) -> bool:
    """Play it in `folder`, or only `copy` the application; whether it answers as before.

    `diff_lines`: how much of the diff is shown; None: all. Raises `UsageError` when the folder is
    not new, or when a package that the application needs is missing.
    """
    fixture = demo_app.find_fixture()
    if copy is not None:
        invocation.page.line(f"The legacy application is in {_copied(fixture, copy)}")
        return True
    demo_app.require_packages()
    if folder is not None:
        _require_new(folder)
        return _run(fixture, folder, invocation, diff_lines)
    with tempfile.TemporaryDirectory(prefix="migrate-async-demo-") as temporary:
        return _run(fixture, Path(temporary), invocation, diff_lines)


def _require_new(folder: Path) -> None:
    if folder.exists():
        raise UsageError(f"{folder} exists; name a folder that does not")


def _copied(fixture: Path, folder: Path) -> Path:
    _require_new(folder)
    return demo_app.copy_app(fixture, folder)


def _run(fixture: Path, folder: Path, invocation: Invocation, diff_lines: int | None) -> bool:
    """All acts, in `folder`; whether the application answers as before."""
    page = invocation.page
    root = demo_app.copy_app(fixture, folder / "shop")
    requests = demo_app.load_requests(fixture)
    _act(page, f"1. The legacy application, copied to {root}")
    before = _before(root, requests, invocation)
    _act(page, "2. The plan: routes, and functions that stay sync")
    _show_plan(root, invocation)
    _act(page, "3. The migration")
    migration = _migrate(root, invocation)
    patch = migration.patch
    if diff_lines is not None:
        patch = shortened(patch, diff_lines)
    for line in coloured(patch):
        page.console.print(line, soft_wrap=True)
    _act(page, "4. The migrated application, under uvicorn on SQLite")
    same = _after(root, requests, before, invocation)
    _act(page, "5. What was converted, and what was not")
    render_summary(migration.summary, page, verbose=invocation.verbose)
    return same


def _act(page: Page, title: str) -> None:
    page.blank()
    page.line((title, "bold underline"))


def _before(root: Path, requests: Sequence[Request], invocation: Invocation) -> list[Answer]:
    _test(root, invocation, "Its own tests")
    answers = _call(root, requests, invocation)
    _show_answers("sync", requests, answers, invocation.page)
    return answers


def _test(root: Path, invocation: Invocation, title: str) -> None:
    with invocation.progress() as progress:
        progress.phase("Running the tests of the application")
        passed, outcome = demo_app.run_tests(root)
    invocation.page.line(f"{title}: ", (outcome, "green" if passed else "red"))


def _call(root: Path, requests: Sequence[Request], invocation: Invocation) -> list[Answer]:
    with invocation.progress() as progress:
        progress.phase("Starting the application")
        with demo_app.served(root) as address:
            progress.phase(f"Sending {counted(len(requests), 'request')}")
            return demo_app.call(address, requests)


def _show_plan(root: Path, invocation: Invocation) -> None:
    with invocation.progress() as progress:
        plan, _ = use_cases.make_plan(open_workspace([root], cache=False), Step.ALL, progress)
    shown = tuple(d for d in plan.functions if d.route or d.verdict == Verdict.KEEP.value)
    shortened_plan = msgspec.structs.replace(plan, functions=shown)
    render_plan(shortened_plan, invocation.page, verbose=invocation.verbose)


def _migrate(root: Path, invocation: Invocation) -> Migration:
    with invocation.progress() as progress:
        return use_cases.migrate(
            open_workspace([root], cache=False),
            Step.ALL,
            Mode.WRITE,
            progress,
            allow_dirty=True,
        )


def _after(
    root: Path, requests: Sequence[Request], before: Sequence[Answer], invocation: Invocation
) -> bool:
    page = invocation.page
    answers = _call(root, requests, invocation)
    _show_answers("async", requests, answers, page)
    triples = list(zip(requests, before, answers, strict=True))
    different = [triple for triple in triples if triple[1] != triple[2]]
    same = len(triples) - len(different)
    page.line(
        (f"{same} of {len(triples)} answers are those of the legacy application.", "bold"),
        " Time stamps of this run are not compared.",
    )
    for request, old, new in different:
        page.line((f"{request.method} {request.path} answers differently", "red"), indent=2)
        page.line(f"before: {old.status} {_short(old.body)}", indent=4)
        page.line(f"after:  {new.status} {_short(new.body)}", indent=4)
    for error in demo_app.server_errors(root):
        page.line(("server: " + _short(error), "red"), indent=2)
    _test(root, invocation, "Its tests, migrated along")
    return not different


def _short(text: str) -> str:
    return text if len(text) <= 160 else text[:157] + "..."


def _show_answers(
    colour: str, requests: Sequence[Request], answers: Sequence[Answer], page: Page
) -> None:
    statuses = Counter(answer.status for answer in answers)
    listed = ", ".join(f"{number} x {status}" for status, number in sorted(statuses.items()))
    page.line(f"{counted(len(requests), 'request')} to the {colour} application: {listed}")
    for request, answer in list(zip(requests, answers, strict=True))[:SHOWN_ANSWERS]:
        said = f"{request.method} {request.path}: {answer.status} {_short(answer.body)}"
        page.line((said, "dim"), indent=2)
