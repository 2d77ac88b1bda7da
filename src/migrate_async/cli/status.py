"""`migrate-async status`."""

from __future__ import annotations

from pathlib import Path

import click

from migrate_async.cli import use_cases
from migrate_async.cli.exit_codes import ExitCode
from migrate_async.cli.invocation import Invocation
from migrate_async.cli.options import example, format_option, global_options, pass_workspace
from migrate_async.cli.workspace import Workspace

_FILE = click.Path(dir_okay=False, writable=True, path_type=Path)


@click.command(
    epilog=example(
        "migrate-async status",
        "migrate-async status --record --html status.html --badge async.svg",
        "migrate-async status --fail-under 80",
    )
)
@pass_workspace
@click.option("--record", is_flag=True, help="Put today's numbers into the state file.")
@click.option("--html", type=_FILE, metavar="FILE", help="Write the report as one HTML file.")
@click.option("--badge", type=_FILE, metavar="FILE", help="Write a badge as an SVG file.")
@click.option(
    "--fail-under",
    type=click.FloatRange(0, 100),
    metavar="N",
    help="Exit with 1 when less than N per cent are async.",
)
@format_option
@global_options
@click.pass_context
def status(
    ctx: click.Context,
    *,
    workspace: Workspace,
    record: bool,
    html: Path | None,
    badge: Path | None,
    fail_under: float | None,
    output: str,
) -> None:
    """Say how far the migration is: routes, functions, bridges, what is in the way.

    Only --record, --html and --badge write, and only the files that they name.
    """
    invocation = ctx.ensure_object(Invocation)
    with invocation.progress() as progress:
        found = use_cases.project_status(workspace, progress, record=record)
    if html is not None:
        _write_page(found, html)
    if badge is not None:
        from migrate_async.report import badge as badges

        badge.write_text(badges.badge(found.status.done), "utf-8", newline="\n")
    if output == "json":
        from migrate_async.report.json import status_document

        invocation.write(status_document(found.status, found.history) + "\n")
    else:
        from migrate_async.report.status import render_status

        render_status(found.status, found.history, invocation.page, verbose=invocation.verbose)
    is_under = fail_under is not None and found.status.done < fail_under
    ctx.exit(ExitCode.FINDINGS if is_under else ExitCode.CLEAN)


def _write_page(found: use_cases.Progressed, file: Path) -> None:
    from migrate_async.report.status_page import status_page

    page = status_page(found.status, found.history, found.date, found.commit)
    file.write_text(page, "utf-8", newline="\n")
