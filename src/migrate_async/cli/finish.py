"""`migrate-async finish`."""

from __future__ import annotations

import click

from migrate_async.cli import use_cases
from migrate_async.cli.invocation import Invocation
from migrate_async.cli.options import (
    example,
    format_option,
    global_options,
    mode_options,
    pass_workspace,
)
from migrate_async.cli.outcome import exit_code, show
from migrate_async.cli.workspace import Workspace
from migrate_async.model.summary import Mode


@click.command(epilog=example("migrate-async finish", "migrate-async finish --write"))
@pass_workspace
@mode_options
@format_option
@global_options
@click.pass_context
def finish(
    ctx: click.Context,
    *,
    workspace: Workspace,
    mode: str | None,
    allow_dirty: bool,
    allow_unsound: bool,
    output: str,
) -> None:
    """Remove what the migration left for sync code, when no code needs it any more.

    Otherwise nothing changes: it names each place that still uses it and exits with 1.
    """
    invocation = ctx.ensure_object(Invocation)
    with invocation.progress() as progress:
        migration = use_cases.finish(
            workspace,
            Mode(mode or Mode.CHECK),
            progress,
            allow_dirty=allow_dirty,
            allow_unsound=allow_unsound,
        )
    show(migration, invocation, output)
    ctx.exit(exit_code(migration.summary))
