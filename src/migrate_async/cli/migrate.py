"""`migrate-async migrate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from migrate_async.cli import use_cases
from migrate_async.cli.invocation import Invocation
from migrate_async.cli.options import (
    example,
    format_option,
    global_options,
    keep_options,
    mode_options,
    pass_workspace,
    profile_option,
    selection_options,
    shard_option,
    step_option,
)
from migrate_async.cli.outcome import exit_code, show
from migrate_async.cli.workspace import Workspace
from migrate_async.model.plan import Step
from migrate_async.model.summary import Mode

if TYPE_CHECKING:
    from migrate_async.model.selection import Selection


@click.command(
    epilog=example(
        "migrate-async migrate app --diff",
        "migrate-async migrate app/api/users.py --step queries --write",
        'migrate-async migrate --route "GET /users/{id}" --write',
        "migrate-async migrate --all --check",
        "migrate-async migrate --all --diff | git apply",
    )
)
@pass_workspace
@selection_options
@shard_option
@step_option
@profile_option
@keep_options
@mode_options
@format_option
@global_options
@click.pass_context
def migrate(
    ctx: click.Context,
    *,
    workspace: Workspace,
    selection: Selection,
    step: str,
    mode: str | None,
    allow_dirty: bool,
    allow_unsound: bool,
    output: str,
) -> None:
    """Rewrite what is selected, by default the project; only --write writes.

    What is selected is migrated with what it needs; everything else goes on working as it is.
    Without --diff, --check or --write it only says which files would change. Exits with 1 when
    changes are pending or something is left to be done by hand.
    """
    invocation = ctx.ensure_object(Invocation)
    with invocation.progress() as progress:
        migration = use_cases.migrate(
            workspace,
            Step(step),
            Mode(mode or Mode.CHECK),
            progress,
            selection,
            allow_dirty=allow_dirty,
            allow_unsound=allow_unsound,
        )
    show(migration, invocation, output)
    ctx.exit(exit_code(migration.summary))
