"""Every command explains itself, and the pages about it are complete."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from migrate_async import __version__
from migrate_async.cli.exit_codes import ExitCode
from migrate_async.cli.main import COMMANDS, cli
from support.cli import invoke

DOCS = Path(__file__).parents[2] / "docs"


def every_command(group: click.Group, name: str = "") -> Iterator[tuple[str, click.Command]]:
    """All commands below `group` with their full names, groups included."""
    context = click.Context(group)
    for part in group.list_commands(context):
        command = group.get_command(context, part)
        assert command is not None
        full = f"{name} {part}".strip()
        yield full, command
        if isinstance(command, click.Group):
            yield from every_command(command, full)


ALL = dict(every_command(cli))


@pytest.mark.parametrize("name", ALL)
def test_help_fits_80_columns_and_has_an_example(name: str) -> None:
    result = invoke(*name.split(), "--help", terminal_width=80)
    assert result.exit_code == ExitCode.CLEAN
    assert re.search(rf"^    .*migrate-async {name}\b", result.stdout, flags=re.MULTILINE)
    assert max(map(len, result.stdout.splitlines())) <= 80


@pytest.mark.parametrize("name", ALL)
def test_every_option_is_explained(name: str) -> None:
    options = [param for param in ALL[name].params if isinstance(param, click.Option)]
    assert [option.name for option in options if not option.help] == []


@pytest.mark.parametrize("name", ALL)
def test_the_page_has_every_command(name: str) -> None:
    page = (DOCS / "cli.md").read_text(encoding="utf-8")
    assert f"## {name}\n" in page or f"migrate-async {name}" in page


def test_the_help_lists_every_command() -> None:
    text = invoke("--help").stdout
    assert all(re.search(rf"^  {name} ", text, flags=re.MULTILINE) for name in COMMANDS)


def test_the_version() -> None:
    result = invoke("--version")
    assert result.stdout == f"migrate-async, version {__version__}\n"


def test_the_page_has_every_exit_code_with_its_meaning() -> None:
    page = (DOCS / "exit-codes.md").read_text(encoding="utf-8")
    documented = dict(re.findall(r"^\| `(\d+)` \| (.+) \|$", page, flags=re.MULTILINE))
    source = Path(DOCS.parent, "src/migrate_async/cli/exit_codes.py").read_text(encoding="utf-8")
    meanings = re.findall(r'= (\d+)\n    """(.+)"""', source)
    assert documented == dict(meanings)
    assert len(meanings) == len(ExitCode)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_ask_this_program(shell: str) -> None:
    result = invoke("completion", shell)
    assert result.exit_code == ExitCode.CLEAN
    assert "_MIGRATE_ASYNC_COMPLETE" in result.stdout
    assert f"{shell}_complete" in result.stdout


def test_completion_of_another_shell_is_a_usage_error() -> None:
    assert invoke("completion", "tcsh").exit_code == ExitCode.USAGE


def test_a_shell_gets_the_names_of_commands_and_options() -> None:
    """What click answers when a shell asks: the variable is the one in the script."""
    variables = {"_MIGRATE_ASYNC_COMPLETE": "bash_complete", "COMP_CWORD": "1"}
    for words, expected in (
        ("migrate-async sc", "plain,scan"),
        ("migrate-async --ver", "plain,--ver"),
    ):
        result = invoke(
            env={**variables, "COMP_WORDS": words}, complete_var="_MIGRATE_ASYNC_COMPLETE"
        )
        assert expected in result.stdout


def test_the_help_of_a_group_says_what_each_command_does_in_whole_sentences() -> None:
    for arguments in ((), ("codemod",)):
        listed = invoke(*arguments, "--help", terminal_width=80).stdout.partition("Commands:")[2]
        assert "..." not in listed
        assert max(map(len, listed.splitlines())) <= 80


@pytest.mark.parametrize("arguments", ["migrate --diff --write", "finish --check --write"])
def test_what_prints_and_what_writes_exclude_each_other(arguments: str) -> None:
    result = invoke(*arguments.split())
    assert result.exit_code == ExitCode.USAGE
    assert "exclude each other: nothing was done" in result.stderr
