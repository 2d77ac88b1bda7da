"""Every command in the docs is run, in a scratch copy of a small application."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from migrate_async.cli.exit_codes import ExitCode
from support.cli import invoke
from support.git import repository
from support.interpreters import run

REPOSITORY = Path(__file__).parents[2]
APPLICATION = REPOSITORY / "fixtures" / "small" / "tutorial" / "before"
PAGES = (
    REPOSITORY / "README.md",
    REPOSITORY / "CONTRIBUTING.md",
    *sorted((REPOSITORY / "docs").rglob("*.md")),
)
IN_ORDER = "<!-- commands: all in order, in a copy of the legacy shop -->"
ELSEWHERE = ("make", "pip", "pipx", "uv")
"""Programs whose commands are run by other tests, or by whoever installs the package."""

PLAIN = "-p no:hypothesispytest"
"""The plugin is in our environment only, and takes a second to say nothing."""


def console_blocks(page: Path) -> list[list[str]]:
    """The commands of each fenced `console` block of `page`, which may stand in a list."""
    if not page.is_file():
        return []
    blocks = re.findall(
        r"^ *```console\n(.*?)^ *```$",
        page.read_text(encoding="utf-8"),
        flags=re.MULTILINE | re.DOTALL,
    )
    return [re.findall(r"^ *\$ (.+)$", block, flags=re.MULTILINE) for block in blocks]


def ours(commands: list[str]) -> list[str]:
    return [command for command in commands if command.split()[0] not in ELSEWHERE]


def every_block() -> Iterator[object]:
    for page in PAGES:
        if page.is_file() and IN_ORDER in page.read_text(encoding="utf-8"):
            continue
        name = page.relative_to(REPOSITORY).with_suffix("").as_posix().removeprefix("docs/")
        blocks = [commands for commands in map(ours, console_blocks(page)) if commands]
        if page.parent.name == "how-to":  # step by step
            blocks = [[command for block in blocks for command in block]] if blocks else []
        for number, commands in enumerate(blocks, start=1):
            yield pytest.param(commands, id=f"{name}-{number}")


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the application, which is the working directory."""
    root = tmp_path / "blog"
    shutil.copytree(APPLICATION, root, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(root)
    programs = str(Path(sys.executable).parent)  # `record -- pytest` runs the one beside us
    monkeypatch.setenv("PATH", programs + os.pathsep + os.environ["PATH"])
    monkeypatch.setenv("PYTEST_ADDOPTS", PLAIN)
    return root


@pytest.mark.parametrize("commands", list(every_block()))
def test_a_block_of_commands_runs(commands: list[str], scratch: Path) -> None:
    """None of them is a usage error or a bug; what they find is their own affair."""
    if any("--since" in command for command in commands):
        repository(scratch)
    for command in commands:
        program, *arguments = shlex.split(command, comments=True)
        assert program == "migrate-async"
        result = invoke(*arguments)
        assert result.exit_code in (ExitCode.CLEAN, ExitCode.FINDINGS), result.stderr
        assert result.stdout or result.stderr


def test_the_tutorial_runs_from_its_first_command_to_its_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a reader types it, the application's own tests included."""
    page = REPOSITORY / "docs" / "tutorial.md"
    assert IN_ORDER in page.read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    programs = str(Path(sys.executable).parent)
    monkeypatch.setenv("PATH", programs + os.pathsep + os.environ["PATH"])
    monkeypatch.setenv("PYTEST_ADDOPTS", PLAIN)
    for name in ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"):
        monkeypatch.setenv(name, "Reader")
    for name in ("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(name, "reader@shop.example")
    for block in console_blocks(page):
        for command in ours(block):
            _type(command, monkeypatch)


def _type(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program, *arguments = shlex.split(command)
    if program == "cd":
        monkeypatch.chdir(arguments[0])
        return
    if program == "migrate-async":
        result = invoke(*arguments)
        assert result.exit_code in (ExitCode.CLEAN, ExitCode.FINDINGS), result.stderr
        return
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PYTEST") or value == PLAIN
    }
    if program == "pytest":
        done = run(["-m", "pytest", *arguments], Path.cwd(), environment)
    else:
        assert program == "git"
        done = subprocess.run(
            ("git", *arguments), capture_output=True, text=True, check=False, env=environment
        )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}{done.stderr[-1000:]}"


def test_commands_are_found() -> None:
    """A changed fence would silently run nothing."""
    docs = REPOSITORY / "docs"
    assert len(console_blocks(docs / "cli.md")) >= 7
    assert len(console_blocks(docs / "exit-codes.md")) == 2
    assert len(console_blocks(docs / "how-to" / "ci.md")) == 5
