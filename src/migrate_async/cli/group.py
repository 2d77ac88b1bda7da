"""Commands that load when they are called, and one place that turns errors into exit codes."""

from __future__ import annotations

import difflib
import importlib
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import click

from migrate_async.cli.exit_codes import ExitCode
from migrate_async.errors import InternalError, UsageError


class LazyGroup(click.Group):
    """A group whose commands are named as `"module:attribute"` and imported on demand."""

    def __init__(self, *args: Any, commands_at: Mapping[str, str], **options: Any) -> None:
        super().__init__(*args, **options)
        self._commands_at = commands_at

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self._commands_at)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        cmd_name: str,
    ) -> click.Command | None:
        if cmd_name not in self._commands_at:
            return None
        module, _, attribute = self._commands_at[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """As click does it, with the first sentence of each command whole."""
        rows = []
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is not None:
                rows.append((name, command.get_short_help_str(limit=1_000)))
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it; an unknown command is told the nearest one."""
        nearest = difflib.get_close_matches(args[0], self._commands_at, n=1)
        if nearest and args[0] not in self._commands_at:
            ctx.fail(f"No such command {args[0]!r}. Did you mean {nearest[0]!r}?")
        return super().resolve_command(ctx, args)


class Program(LazyGroup):
    """The outermost group: every error ends in a message on stderr and an exit code."""

    def main(self, *args: Any, **options: Any) -> NoReturn:
        options["standalone_mode"] = False
        sys.exit(_guarded(lambda: super(Program, self).main(*args, **options)))

    def invoke(self, ctx: click.Context) -> Any:
        """As click does it; of a closed pipe click would make exit code 1, which means findings."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise _ClosedPipe from error


class _ClosedPipe(Exception):
    """Whoever read the output stopped reading."""


def _guarded(run: Callable[[], object]) -> int:
    """The exit code of `run`, which returns one or raises."""
    try:
        code = run()
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - a bug becomes a report
        for kind, tell, ending in _ENDINGS:
            if isinstance(error, kind):
                tell(error)
                return ending
        _report_bug(error)
        return ExitCode.INTERNAL
    return code if isinstance(code, int) else ExitCode.CLEAN


def _say(message: str) -> None:
    click.echo(message, err=True)


def _show(error: Any) -> None:
    error.show()


def _interrupted(_error: BaseException) -> None:
    _say("Interrupted.")


def _usage(error: BaseException) -> None:
    _say(f"migrate-async: {error}")


def _environment(error: Any) -> None:
    _say(f"migrate-async: {error.strerror or error}: {error.filename or ''}".rstrip(": "))


def _discard_output(_error: BaseException) -> None:
    """Keep the interpreter from flushing into the closed pipe when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report_bug(error: BaseException) -> None:
    if not isinstance(error, InternalError):
        traceback.print_exception(error)
    _say(
        f"migrate-async: internal error: {error}\n"
        "This is a bug of migrate-async; please report the text above."
    )


_Kind = type[BaseException] | tuple[type[BaseException], ...]
_ENDINGS: tuple[tuple[_Kind, Callable[[Any], None], ExitCode], ...] = (
    (click.ClickException, _show, ExitCode.USAGE),
    (click.Abort, _interrupted, ExitCode.INTERRUPTED),
    (KeyboardInterrupt, _interrupted, ExitCode.INTERRUPTED),
    (UsageError, _usage, ExitCode.USAGE),
    ((_ClosedPipe, BrokenPipeError), _discard_output, ExitCode.CLOSED_PIPE),
    (OSError, _environment, ExitCode.USAGE),
)
"""How each expected error ends the program, the more special kinds first."""
