"""Every command in the docs is run, in a scratch copy of a small application."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from migrate_async.cli.exit_codes import ExitCode
from migrate_async.cli.main import cli

REPOSITORY = Path(__file__).parents[2]
APPLICATION = REPOSITORY / "fixtures" / "small" / "tutorial" / "before"
PAGES = ("docs/cli.md", "docs/configuration.md", "docs/exit-codes.md")


def console_blocks(page: str) -> list[list[str]]:
    """The commands of each fenced `console` block of `page`."""
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```console\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    return [re.findall(r"^\$ (.+)$", block, flags=re.MULTILINE) for block in blocks]


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
    assert commands
    for command in commands:
        program, *arguments = shlex.split(command)
        assert program == "migrate-async"
        result = CliRunner().invoke(cli, arguments, prog_name=program)
        assert result.exit_code in (ExitCode.CLEAN, ExitCode.FINDINGS), result.stderr
        assert result.stdout


def test_each_page_has_a_command_or_is_about_settings() -> None:
    """A changed fence would silently run nothing."""
    counts = {page: len(console_blocks(page)) for page in PAGES}
    assert counts["docs/cli.md"] >= 7
    assert counts["docs/exit-codes.md"] >= 1
