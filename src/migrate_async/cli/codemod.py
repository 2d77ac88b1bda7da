"""`migrate-async codemod list|explain|run`."""

from __future__ import annotations

import click

from migrate_async.cli import use_cases
from migrate_async.cli.exit_codes import ExitCode
from migrate_async.cli.invocation import Invocation
from migrate_async.cli.options import (
    all_option,
    example,
    format_option,
    global_options,
    mode_options,
    pass_workspace,
)
from migrate_async.cli.outcome import exit_code, show
from migrate_async.cli.workspace import Workspace
from migrate_async.model.summary import Mode


@click.group(
    epilog=example("migrate-async codemod list", "migrate-async codemod explain async-colour")
)
def codemod() -> None:
    """List the codemods, read about one, run one alone."""


@codemod.command("list", epilog=example("migrate-async codemod list"))
@global_options
@click.pass_context
def list_codemods(ctx: click.Context) -> None:
    """List all codemods, also those of other installed packages."""
    from migrate_async.report.codemods import render_list
    from migrate_async.rewrite.registry import codemods

    render_list(codemods(), ctx.ensure_object(Invocation).page)
    ctx.exit(ExitCode.CLEAN)


@codemod.command(epilog=example("migrate-async codemod explain query-to-select"))
@click.argument("name")
@global_options
@click.pass_context
def explain(ctx: click.Context, *, name: str) -> None:
    """Say what the codemod NAME does, with examples."""
    from migrate_async.report.codemods import render_codemod
    from migrate_async.rewrite.registry import find

    render_codemod(find(name), ctx.ensure_object(Invocation).page)
    ctx.exit(ExitCode.CLEAN)


@codemod.command(
    epilog=example(
        "migrate-async codemod run query-to-select app --diff",
        "migrate-async codemod run query-to-select --all --write",
    )
)
@click.argument("name")
@pass_workspace
@all_option
@mode_options
@format_option
@global_options
@click.pass_context
def run(
    ctx: click.Context,
    *,
    name: str,
    workspace: Workspace,
    mode: str | None,
    allow_dirty: bool,
    allow_unsound: bool,
    output: str,
) -> None:
    """Run the codemod NAME alone on everything under PATHS.

    The plan is that of `migrate`; only the edits of this codemod are made. Some codemods only make
    sense together with others.
    """
    from migrate_async.rewrite.registry import find

    found = find(name)
    invocation = ctx.ensure_object(Invocation)
    with invocation.progress() as progress:
        migration = use_cases.migrate(
            workspace,
            found.STEP,
            Mode(mode or Mode.CHECK),
            progress,
            allow_dirty=allow_dirty,
            allow_unsound=allow_unsound,
            codemod=found.NAME,
        )
    show(migration, invocation, output)
    ctx.exit(exit_code(migration.summary))
