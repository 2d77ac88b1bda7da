"""The exit code of a run."""

from __future__ import annotations

import msgspec
import pytest

from migrate_async.cli.exit_codes import ExitCode
from migrate_async.cli.outcome import exit_code
from migrate_async.model.diagnostic import Diagnostic
from migrate_async.model.summary import RunSummary
from support import samples

IDLE = RunSummary(step="all", mode="check")
PENDING = msgspec.structs.replace(IDLE, changed=samples.SUMMARY.changed)
WRITTEN = msgspec.structs.replace(PENDING, written=True)


def with_message(summary: RunSummary, code: str, severity: str = "warning") -> RunSummary:
    found = Diagnostic(path="app.py", code=code, message="x", severity=severity)
    return msgspec.structs.replace(summary, diagnostics=(found,))


@pytest.mark.parametrize(
    ("summary", "expected"),
    [
        pytest.param(IDLE, ExitCode.CLEAN, id="nothing to do"),
        pytest.param(PENDING, ExitCode.FINDINGS, id="changes pending"),
        pytest.param(WRITTEN, ExitCode.CLEAN, id="written"),
        pytest.param(with_message(IDLE, "MA101"), ExitCode.FINDINGS, id="only messages"),
        pytest.param(with_message(WRITTEN, "MA101"), ExitCode.FINDINGS, id="something left"),
        pytest.param(with_message(WRITTEN, "MA101", "note"), ExitCode.CLEAN, id="a note"),
        pytest.param(with_message(WRITTEN, "MA901"), ExitCode.INTERNAL, id="a bug of ours"),
    ],
)
def test_exit_code(summary: RunSummary, expected: ExitCode) -> None:
    assert exit_code(summary) == expected
