"""`migrate-async undo`."""

from __future__ import annotations

import click

from migrate_async.cli import use_cases
from migrate_async.cli.exit_codes import ExitCode
from migrate_async.cli.invocation import Invocation
from migrate_async.cli.options import example, global_options
from migrate_async.cli.workspace import open_workspace


@click.command(epilog=example("migrate-async undo", "migrate-async undo --force"))
@click.option("--force", is_flag=True, help="Put back files that were edited since, too.")
@global_options
@click.pass_context
def undo(ctx: click.Context, *, force: bool) -> None:
    """Put back what the last `migrate --write` changed.

    Refuses, and changes nothing, when one of the files was edited since.
    """
    invocation = ctx.ensure_object(Invocation)
    workspace = open_workspace((), config_file=invocation.config)
    restored = use_cases.undo(workspace, force=force)
    for path in restored:
        invocation.page.line(path)
    if not restored:
        invocation.page.line("Nothing to undo.")
    ctx.exit(ExitCode.CLEAN)
