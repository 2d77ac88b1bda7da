"""What stdout is: a pipe that closes, a terminal that can little, colours by the environment."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from migrate_async.cli.exit_codes import ExitCode
from support.cli import invoke

APPLICATION = Path(__file__).parents[2] / "fixtures" / "small" / "tutorial" / "before"
OF_THE_THEME = {"0", "1", "2", "4", "31", "32", "33", "36"}
"""Bold, dim, underlined, and four colours that a terminal's theme makes readable on its ground."""
COLOUR_VARIABLES = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "app.py").write_text(
        "from sqlalchemy.orm import Session\n\n\ndef get(db: Session):\n"
        '    return db.query("caf\u00e9 \u2192").all()\n',
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    for name in COLOUR_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def legacy(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small application, not migrated; its path is short enough for a line."""
    root = tmp_path_factory.mktemp("w") / "blog"
    shutil.copytree(APPLICATION, root, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(root)
    return root


@pytest.mark.parametrize("command", ["scan", "lint", "migrate --diff"])
def test_a_reader_who_stops_is_no_error(command: str, project: Path) -> None:
    """`migrate-async scan | head`: no traceback, and the code of a closed pipe."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "migrate_async", *command.split(), "--no-cache"],
        cwd=project,
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert done.stderr == b""
    assert done.returncode == ExitCode.CLOSED_PIPE


@pytest.mark.parametrize("command", ["scan", "plan", "lint", "migrate --diff"])
def test_a_terminal_without_unicode_gets_what_it_can_show(command: str, project: Path) -> None:
    """Own words are ASCII; what the source says comes as it is, in UTF-8."""
    done = subprocess.run(
        [sys.executable, "-m", "migrate_async", *command.split(), "--no-cache"],
        cwd=project,
        env={**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == ExitCode.FINDINGS, done.stderr
    assert b"Traceback" not in done.stderr
    said = done.stdout.decode("utf-8")
    assert said.replace("\u00e9", "").replace("\u2192", "").isascii()


@pytest.mark.parametrize("command", ["scan", "lint"])
@pytest.mark.parametrize(
    ("variables", "is_coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"CLICOLOR_FORCE": "1"}, True),
        ({"CLICOLOR_FORCE": "0"}, False),
        ({"FORCE_COLOR": "1", "CLICOLOR": "0"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
    ids=str,
)
def test_the_environment_decides_about_colour_in_a_pipe(
    command: str,
    variables: dict[str, str],
    *,
    is_coloured: bool,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TERM", "xterm")
    assert ("\x1b[" in invoke(command).stdout) is is_coloured
    assert "\x1b[" not in invoke(command, "--no-color").stdout


WHAT_PEOPLE_READ = (
    "scan",
    "scan --verbose",
    "plan",
    "plan --verbose",
    "plan --explain get_posts",
    "plan --next 1",
    "lint",
    "lint --statistics",
    "lint --explain MA601",
    "rules",
    "codemod list",
    "codemod explain async-colour",
    "migrate",
    "finish",
    "verify",
    "status",
    "undo --list",
)


@pytest.mark.parametrize("command", WHAT_PEOPLE_READ)
def test_what_people_read_fits_80_columns_and_cuts_no_word(
    command: str, legacy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal; in a pipe the same words stand, each line as long as it is."""
    piped = invoke(*command.split())
    assert piped.exit_code in (ExitCode.CLEAN, ExitCode.FINDINGS), piped.stderr
    for name, value in (("FORCE_COLOR", "1"), ("TERM", "xterm"), ("COLUMNS", "80")):
        monkeypatch.setenv(name, value)
    coloured = invoke(*command.split()).stdout
    shown = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    styles = {
        code for found in re.findall(r"\x1b\[([0-9;]*)m", coloured) for code in found.split(";")
    }
    assert styles <= OF_THE_THEME
    too_long = [line for line in shown.splitlines() if len(line) > 80 and " " in line.strip()]
    assert too_long == []
    assert shown.split() == piped.stdout.split()
    assert shown.strip()
