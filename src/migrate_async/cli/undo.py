"""`migrate-async undo`."""

from __future__ import annotations

import click

from migrate_async.cli import use_cases
from migrate_async.cli.exit_codes import ExitCode
from migrate_async.cli.invocation import Invocation
from migrate_async.cli.options import example, format_option, global_options
from migrate_async.cli.workspace import Workspace, open_workspace


@click.command(
    epilog=example(
        "migrate-async undo",
        "migrate-async undo --list",
        "migrate-async undo --to 3",
        "migrate-async undo --force",
    )
)
@click.option("--list", "is_list", is_flag=True, help="Only list the writes, the newest first.")
@click.option(
    "--to",
    "back_to",
    type=click.IntRange(min=1),
    metavar="N",
    help="Put back write number N and all later ones.",
)
@click.option("--force", is_flag=True, help="Put back files that were edited since, too.")
@format_option
@global_options
@click.pass_context
def undo(
    ctx: click.Context, *, is_list: bool, back_to: int | None, force: bool, output: str
) -> None:
    """Put back what the last `migrate --write` changed; run again, what the one before changed.

    Refuses, and changes nothing, when one of the files was edited since. A write that was
    interrupted is put back like any other.
    """
    invocation = ctx.ensure_object(Invocation)
    workspace = open_workspace((), config_file=invocation.config)
    if is_list:
        _list(workspace, invocation, output)
    else:
        _undo(workspace, invocation, output, back_to=back_to, force=force)
    ctx.exit(ExitCode.CLEAN)


def _list(workspace: Workspace, invocation: Invocation, output: str) -> None:
    found = use_cases.history(workspace)
    if output == "json":
        from migrate_async.report.json import history_document

        invocation.write(history_document(found) + "\n")
        return
    from migrate_async.report.history import render_history

    render_history(found, invocation.page, verbose=invocation.verbose)


def _undo(
    workspace: Workspace,
    invocation: Invocation,
    output: str,
    *,
    back_to: int | None,
    force: bool,
) -> None:
    restored = use_cases.undo(workspace, back_to=back_to, force=force)
    if output == "json":
        from migrate_async.report.json import undo_document

        invocation.write(undo_document(restored) + "\n")
        return
    if not restored:
        invocation.page.line("Nothing to undo.")
        return
    from migrate_async.report.words import counted

    invocation.page.line((f"Put back {counted(len(restored), 'file')}", "bold"))
    for path in restored:
        invocation.page.line(path, indent=2)
