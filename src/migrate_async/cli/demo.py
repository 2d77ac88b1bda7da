"""`migrate-async demo`: the whole job on the bundled application, before the reader's eyes."""

from __future__ import annotations

from pathlib import Path

import click

from migrate_async.cli.exit_codes import ExitCode
from migrate_async.cli.invocation import Invocation
from migrate_async.cli.options import example, global_options

DIFF_LINES = 120


@click.command(
    epilog=example(
        "migrate-async demo",
        "migrate-async demo --folder /tmp/shop",
        "migrate-async demo --copy shop",
    )
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    help="Work in this new folder and leave it there, instead of a temporary one.",
)
@click.option(
    "--copy",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Only put the legacy application into this new folder: for the tutorial.",
)
@click.option("--full-diff", is_flag=True, help=f"Show all of the diff, not {DIFF_LINES} lines.")
@global_options
@click.pass_context
def demo(ctx: click.Context, *, folder: Path | None, copy: Path | None, full_diff: bool) -> None:
    """Migrate a bundled legacy application, run it before and after, compare the answers.

    The application, a shop with routes, CRUD classes, services and jobs, is copied to a temporary
    folder; nothing else is touched. Exits with 1 when an answer differs.
    """
    from migrate_async.cli.demo_run import run

    invocation = ctx.ensure_object(Invocation)
    same = run(folder, copy, invocation, diff_lines=None if full_diff else DIFF_LINES)
    ctx.exit(ExitCode.CLEAN if same else ExitCode.FINDINGS)
