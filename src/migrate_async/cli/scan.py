"""`migrate-async scan`."""

from __future__ import annotations

import click

from migrate_async.cli import use_cases
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
from migrate_async.config import projects_below


@click.command(
    epilog=example(
        "migrate-async scan",
        "migrate-async scan app/api --verbose",
        "migrate-async scan --format json",
    )
)
@pass_workspace
@shard_option
@format_option
@global_options
@click.pass_context
def scan(ctx: click.Context, *, workspace: Workspace, output: str) -> None:
    """Say what is there: sync sessions, queries, routes, models, engines.

    The whole project is read, so that names can be followed; PATHS choose what is reported.
    Exits with 1 when sync database code was found.
    """
    invocation = ctx.ensure_object(Invocation)
    with invocation.progress() as progress:
        result = use_cases.scan_project(workspace, progress)
    if output == "json":
        from migrate_async.report.json import scan_document

        invocation.write(scan_document(result) + "\n")
    elif not invocation.quiet:
        from migrate_async.report.text import render_scan, render_several

        render_scan(result, invocation.page, verbose=invocation.verbose)
        render_several(projects_below(workspace.root), invocation.page)
    ctx.exit(ExitCode.FINDINGS if result.has_findings else ExitCode.CLEAN)
