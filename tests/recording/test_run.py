"""How a command is run under the recorder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from migrate_async.errors import UsageError
from migrate_async.recorder import start
from migrate_async.recording.run import (
    BOOT,
    FOLDER,
    ROOT,
    recorded_environment,
    run_recorded,
)


@pytest.mark.parametrize(("before", "after"), [("", str(BOOT)), ("lib", f"{BOOT}{os.pathsep}lib")])
def test_the_recorder_comes_first_on_the_path(before: str, after: str, tmp_path: Path) -> None:
    """An empty entry would put the working directory on the path."""
    given = {"PYTHONPATH": before} if before else {}
    assert recorded_environment(given, tmp_path, tmp_path)["PYTHONPATH"] == after


def test_a_test_that_this_runs_in_is_none_of_the_commands(tmp_path: Path) -> None:
    given = {"PYTEST_CURRENT_TEST": "test_outer (call)", "HOME": "/home/me"}
    found = recorded_environment(given, tmp_path, tmp_path)
    assert "PYTEST_CURRENT_TEST" not in found
    assert found["HOME"] == "/home/me"


def test_both_sides_name_the_variables_alike() -> None:
    """The recorder imports nothing of the tool, so they are there twice."""
    assert (start.FOLDER, start.ROOT) == (FOLDER, ROOT)


@pytest.mark.parametrize("code", [0, 3])
def test_the_exit_code(code: int, tmp_path: Path) -> None:
    command = [sys.executable, "-c", f"raise SystemExit({code})"]
    assert run_recorded(command, tmp_path, tmp_path) == code


@pytest.mark.skipif(os.name == "nt", reason="the system has no signals")
def test_the_signal_that_ended_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]
    assert run_recorded(command, tmp_path, tmp_path) == 137


def test_no_such_program(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no-such-program"):
        run_recorded(["no-such-program"], tmp_path, tmp_path)
