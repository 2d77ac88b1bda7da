"""Errors become one message on stderr and an exit code; commands load when they are called."""

from __future__ import annotations

from collections.abc import Callable

import click
import pytest

from migrate_async.cli.exit_codes import ExitCode
from migrate_async.cli.group import LazyGroup, Program
from migrate_async.errors import ConfigurationError, InternalError
from support.cli import invoke


def program_that(action: Callable[[], object]) -> Program:
    class OneCommand(Program):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
            return click.Command(cmd_name, callback=action)

    return OneCommand("migrate-async", commands_at={"act": ""})


def raising(error: BaseException) -> Program:
    def action() -> None:
        raise error

    return program_that(action)


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ConfigurationError("unknown key `x`"), ExitCode.USAGE, "migrate-async: unknown key `x`"),
        (click.UsageError("no such thing"), ExitCode.USAGE, "no such thing"),
        (KeyboardInterrupt(), ExitCode.INTERRUPTED, "Interrupted."),
        (click.Abort(), ExitCode.INTERRUPTED, "Interrupted."),
        (
            PermissionError(13, "Permission denied", "a.py"),
            ExitCode.USAGE,
            "migrate-async: Permission denied: a.py",
        ),
        (InternalError("lost an edit"), ExitCode.INTERNAL, "internal error: lost an edit"),
        (ZeroDivisionError("division by zero"), ExitCode.INTERNAL, "please report"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_ends_with_its_code_and_a_message(
    error: BaseException, code: ExitCode, said: str
) -> None:
    result = invoke("act", program=raising(error))
    assert result.exit_code == code
    assert said in result.stderr
    assert result.stdout == ""


def test_only_a_bug_shows_a_traceback() -> None:
    bug = invoke("act", program=raising(ZeroDivisionError("x")))
    usage = invoke("act", program=raising(ConfigurationError("x")))
    assert "Traceback" in bug.stderr
    assert "Traceback" not in usage.stderr


def test_an_interruption_leaves_one_line() -> None:
    """The empty line before it ends the line in which a terminal shows `^C`."""
    stderr = invoke("act", program=raising(KeyboardInterrupt())).stderr
    assert stderr == "\nInterrupted.\n"


@pytest.mark.parametrize("code", list(ExitCode))
def test_a_command_chooses_its_code(code: ExitCode) -> None:
    program = program_that(lambda: click.get_current_context().exit(code))
    assert invoke("act", program=program).exit_code == code


def test_a_command_that_returns_nothing_ends_clean() -> None:
    assert invoke("act", program=program_that(lambda: None)).exit_code == ExitCode.CLEAN


def test_a_lazy_group_imports_the_command_that_is_called() -> None:
    group = LazyGroup("g", commands_at={"fine": "json:loads", "absent": "no_such_module:x"})
    context = click.Context(group)
    assert group.list_commands(context) == ["fine", "absent"]
    assert group.get_command(context, "fine") is not None
    assert group.get_command(context, "other") is None
    with pytest.raises(ModuleNotFoundError):
        group.get_command(context, "absent")


def test_an_unknown_command_names_the_nearest_one() -> None:
    group = Program("migrate-async", commands_at={"scan": "x:y", "plan": "x:y"})
    result = invoke("scna", program=group)
    assert result.exit_code == ExitCode.USAGE
    assert "scan" in result.stderr
