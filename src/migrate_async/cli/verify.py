"""`migrate-async verify`."""

from __future__ import annotations

import click

from migrate_async.cli import verify_use_case
from migrate_async.cli.exit_codes import ExitCode
from migrate_async.cli.invocation import Invocation
from migrate_async.cli.options import (
    example,
    format_option,
    global_options,
    pass_workspace,
    shard_option,
)
from migrate_async.cli.workspace import Workspace


@click.command(
    epilog=example(
        "migrate-async verify",
        "migrate-async verify app/api --format json",
        "migrate-async verify --types mypy --since journal",
    )
)
@pass_workspace
@shard_option
@click.option(
    "--types",
    type=click.Choice(["ty", "pyrefly", "mypy"]),
    help="Run this type checker, too, and report the errors that are new.",
)
@click.option(
    "--since",
    type=click.Choice(["head", "journal"]),
    default="head",
    show_default=True,
    help="What new means for --types: since the last commit, or since before all writes.",
)
@format_option
@global_options
@click.pass_context
def verify(
    ctx: click.Context, *, workspace: Workspace, types: str | None, since: str, output: str
) -> None:
    """Look for what a migration gets wrong: lost awaits, names, imports, sync sessions.

    Nothing is imported or run. Exits with 1 when something was found.
    """
    invocation = ctx.ensure_object(Invocation)
    with invocation.progress() as progress:
        found = verify_use_case.verify_project(workspace, progress, types=types or "", since=since)
    if output == "json":
        from migrate_async.report.json import verify_document

        invocation.write(verify_document(found) + "\n")
    else:
        from migrate_async.report.text import render_verification

        render_verification(found, invocation.page, verbose=invocation.verbose)
    ctx.exit(ExitCode.FINDINGS if found.has_findings else ExitCode.CLEAN)
