"""`migrate-async record`."""

from __future__ import annotations

from pathlib import Path

import click

from migrate_async.cli.exit_codes import ExitCode
from migrate_async.cli.invocation import Invocation
from migrate_async.cli.options import example, format_option, global_options
from migrate_async.model.recording import Recording

_PROFILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FILE = click.Path(dir_okay=False, writable=True, path_type=Path)


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    epilog=example(
        "migrate-async record -- pytest",
        "migrate-async record --output legacy.json -- pytest tests/api",
        "migrate-async record --merge unit.json --merge api.json",
        "migrate-async record --compare legacy.json -- pytest",
    ),
)
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND...]")
@click.option(
    "--output",
    "file",
    type=_FILE,
    metavar="FILE",
    help="Where to write the profile.  [default: .migrate-async/profile.json]",
)
@click.option(
    "--merge",
    "merged",
    type=_PROFILE,
    multiple=True,
    metavar="FILE",
    help="Add a profile that was recorded before. May be repeated, and needs no COMMAND.",
)
@click.option(
    "--compare",
    "before",
    type=_PROFILE,
    metavar="BEFORE",
    help="Compare each test's SQL with the profile BEFORE, recorded before the migration.",
)
@click.option(
    "--runs",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Run COMMAND N times: parameters that differ from run to run are marked.",
)
@format_option
@global_options
@click.pass_context
def record(
    ctx: click.Context,
    *,
    command: tuple[str, ...],
    file: Path | None,
    merged: tuple[Path, ...],
    before: Path | None,
    runs: int,
    output: str,
) -> None:
    """Run COMMAND and note its lazy loads and its SQL, without any change to the application.

    The exit code is that of COMMAND, if that is not 0; else 1 when --compare finds a difference
    whose cause is not known.
    """
    from migrate_async.cli import record_use_case

    invocation = ctx.ensure_object(Invocation)
    request = record_use_case.Request(
        command=command,
        file=file,
        merged=merged,
        before=before,
        runs=runs,
        keeps_stdout=output == "json",
    )
    found = record_use_case.record(request, invocation)
    if output == "json":
        from migrate_async.report.json import recording_document

        invocation.write(recording_document(found) + "\n")
    else:
        from migrate_async.report.recording import render_recording

        render_recording(found, invocation.page, verbose=invocation.verbose)
    ctx.exit(_ending(found))


def _ending(found: Recording) -> int:
    if found.exit_code:
        return found.exit_code
    is_clean = found.comparison is None or found.comparison.is_clean
    return ExitCode.CLEAN if is_clean else ExitCode.FINDINGS
