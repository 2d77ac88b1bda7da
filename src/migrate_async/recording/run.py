"""Run a command, every Python process of which starts the recorder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from migrate_async.errors import UsageError

BOOT = Path(__file__).parents[1] / "recorder" / "boot"
"""The folder with the `sitecustomize` that starts the recorder."""
FOLDER = "MIGRATE_ASYNC_RECORD_FOLDER"
ROOT = "MIGRATE_ASYNC_RECORD_ROOT"
"""Environment variables that the recorder reads, see `recorder.start`."""
_STDERR = 2
_KILLED = 128


def recorded_environment(
    environment: Mapping[str, str], root: Path, folder: Path
) -> dict[str, str]:
    """`environment` with the recorder in it; logs go to `folder`."""
    before = environment.get("PYTHONPATH", "")
    # An empty entry would mean the working directory.
    path = os.pathsep.join([str(BOOT), before] if before else [str(BOOT)])
    # A pytest that this process runs in is not one of the command's.
    kept = {name: value for name, value in environment.items() if name != "PYTEST_CURRENT_TEST"}
    return {**kept, "PYTHONPATH": path, FOLDER: str(folder), ROOT: str(root)}


def run_recorded(
    command: Sequence[str], root: Path, folder: Path, *, keeps_stdout: bool = False
) -> int:
    """Run `command` in the working directory; its exit code, 128 + n when signal n ended it.

    Its output goes where ours goes, or to stderr if `keeps_stdout`. Raises `UsageError` when there
    is no such program.
    """
    program = shutil.which(command[0])
    if program is None:
        raise UsageError(f"no program {command[0]!r} to record: it is not on PATH")
    sys.stdout.flush()
    environment = recorded_environment(os.environ, root, folder)
    done = subprocess.run(  # noqa: S603 - the command is the user's own
        [program, *command[1:]],
        env=environment,
        stdout=_STDERR if keeps_stdout else None,
        check=False,
    )
    return done.returncode if done.returncode >= 0 else _KILLED - done.returncode
