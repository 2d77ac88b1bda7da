"""Whatever the files are, the linter ends, reports, and points into them.

`MIGRATE_ASYNC_FUZZ=5000` tries as many examples, chosen anew; without it they are few and fixed.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migrate_async.cli.lint_request import LintRequest, LintRun
from migrate_async.cli.lint_use_case import lint
from migrate_async.cli.progress import Progress
from migrate_async.cli.workspace import Workspace
from migrate_async.config import Settings
from migrate_async.model.lint import FixMode
from migrate_async.model.syntax import Span
from migrate_async.report.findings.report import FORMATS, Report, render
from migrate_async.source.lines import split_lines
from support.mutations import mutant

EXAMPLES = int(os.environ.get("MIGRATE_ASYNC_FUZZ", "0"))
SECONDS = 60
FUZZED = settings(
    max_examples=EXAMPLES or 40,
    derandomize=not EXAMPLES,
    deadline=SECONDS * 1000,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """An empty project: the files come from memory."""
    return Workspace(tmp_path_factory.mktemp("fuzz"), Settings(), jobs=1, cache=False)


def looked(
    workspace: Workspace, files: dict[str, bytes], fix: FixMode, noqa: str | None
) -> LintRun:
    request = LintRequest(strict=True, instead=files, fix=fix, unsafe=True, noqa=noqa)
    return lint(workspace, request, Progress())


def check_span(span: Span, lines: list[str]) -> None:
    line, column, end_line, end_column = span
    assert 1 <= line <= end_line <= len(lines)
    assert 0 <= column <= len(lines[line - 1])
    assert 0 <= end_column <= len(lines[end_line - 1])
    assert (line, column) < (end_line, end_column)


@FUZZED
@given(seed=st.integers(0, 2**63), count=st.integers(1, 3))
def test_any_files_are_linted(workspace: Workspace, seed: int, count: int) -> None:
    """No crash, no hang, no message about a bug; each format takes what is found."""
    chance = random.Random(seed)  # noqa: S311 - examples, not secrets
    files = {f"app/m{number}.py": mutant(chance) for number in range(count)}
    run = looked(workspace, files, FixMode.NONE, None)
    result = run.result
    assert result.internal_errors == ()
    assert {d.path for d in result.diagnostics} | set(run.sources) == set(files)
    for found in result.findings:
        check_span(found.span, split_lines(run.sources[found.path].text))
        for place in found.related:
            check_span(place.span, split_lines(run.sources[place.path].text))
    for name in FORMATS:
        assert render(Report(result, run.sources, run.rules), name) is not None
    assert looked(workspace, files, FixMode.NONE, None).result == result


@FUZZED
@given(seed=st.integers(0, 2**63))
def test_any_file_can_be_fixed_and_commented(workspace: Workspace, seed: int) -> None:
    """Fixes come to an end; after comments are written nothing is found that has one."""
    files = {"app/a.py": mutant(random.Random(seed))}  # noqa: S311 - examples, not secrets
    assert looked(workspace, files, FixMode.DIFF, None).result.internal_errors == ()
    before = len(looked(workspace, files, FixMode.NONE, None).result.findings)
    result = looked(workspace, files, FixMode.DIFF, "why").result
    assert result.internal_errors == ()
    assert result.commented + len(result.findings) == before


def test_the_seeds_are_real_files() -> None:
    """Some with findings, or nothing much would be tried."""
    folder = Path(__file__).parents[2] / "fixtures" / "legacy_notes"
    files = {f"{p.stem}.py": p.read_bytes() for p in sorted(folder.rglob("*.py"))}
    run = looked(Workspace(folder, Settings(), cache=False), files, FixMode.NONE, None)
    assert run.result.findings
