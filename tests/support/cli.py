"""Call the command line in this process."""

from __future__ import annotations

import inspect
from typing import Any

import click
from click.testing import CliRunner, Result

from migrate_async.cli.main import cli


def invoke(*arguments: str, program: click.Command = cli, **options: Any) -> Result:
    """The result of `migrate-async ARGUMENTS`, with stdout and stderr apart.

    `options` are those of `CliRunner.invoke`.
    """
    apart = "mix_stderr" in inspect.signature(CliRunner).parameters  # click before 8.2
    runner = CliRunner(mix_stderr=False) if apart else CliRunner()  # type: ignore[call-arg]
    return runner.invoke(program, arguments, prog_name="migrate-async", **options)
