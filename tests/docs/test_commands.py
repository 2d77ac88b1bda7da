"""Every command in the docs is run, in a scratch copy of a small application."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from migrate_async.cli.exit_codes import ExitCode
from support.cli import invoke
from support.git import repository

REPOSITORY = Path(__file__).parents[2]
APPLICATION = REPOSITORY / "fixtures" / "small" / "tutorial" / "before"
PAGES = ("README.md", *(f"docs/{path.name}" for path in sorted((REPOSITORY / "docs").glob("*.md"))))
ELSEWHERE = ("make", "pip")
"""Programs whose commands are run by other tests, or by whoever installs the package."""


def console_blocks(page: str) -> list[list[str]]:
    """The commands of each fenced `console` block of `page` that has any for us to run."""
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```console\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    found = [re.findall(r"^\$ (.+)$", block, flags=re.MULTILINE) for block in blocks]
    ours = [[line for line in block if not line.startswith(ELSEWHERE)] for block in found]
    return [block for block in ours if block]


def every_block() -> Iterator[object]:
    for page in PAGES:
        for number, commands in enumerate(console_blocks(page), start=1):
            yield pytest.param(commands, id=f"{Path(page).name}-{number}")


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the application, which is the working directory."""
    root = tmp_path / "blog"
    shutil.copytree(APPLICATION, root, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(root)
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


def test_commands_are_found() -> None:
    """A changed fence would silently run nothing."""
    assert len(console_blocks("docs/cli.md")) >= 7
    assert len(console_blocks("docs/exit-codes.md")) == 2
