"""What `migrate` and `codemod run` print in the end, and the exit code."""

from __future__ import annotations

from migrate_async.cli.exit_codes import ExitCode
from migrate_async.cli.invocation import Invocation
from migrate_async.cli.use_cases import Migration
from migrate_async.model.diagnostic import Severity
from migrate_async.model.summary import Mode, RunSummary


def show(migration: Migration, invocation: Invocation, output: str) -> None:
    """With `--diff` the patch goes to stdout alone, and what is left to stderr."""
    is_diff = migration.summary.mode == Mode.DIFF.value
    if output == "json":
        from migrate_async.report.json import summary_document

        patch = migration.patch if is_diff else None
        invocation.write(summary_document(migration.summary, patch) + "\n")
        return
    if is_diff:
        _show_patch(migration.patch, invocation)
    from migrate_async.report.page import Page
    from migrate_async.report.text import render_summary

    page = Page(invocation.console(stderr=is_diff, quiet=invocation.quiet))
    render_summary(migration.summary, page, verbose=invocation.verbose)


def exit_code(summary: RunSummary) -> ExitCode:
    """A bug of ours outweighs findings; changes count until they are written."""
    if summary.internal_errors:
        return ExitCode.INTERNAL
    pending = summary.changed and not summary.written
    left = any(found.severity != Severity.NOTE.value for found in summary.diagnostics)
    return ExitCode.FINDINGS if pending or left else ExitCode.CLEAN


def _show_patch(patch: str, invocation: Invocation) -> None:
    """In colour on a terminal; anywhere else byte for byte, for `git apply`."""
    console = invocation.console()
    if not console.is_terminal:
        invocation.write(patch)
        return
    from migrate_async.report.diff import coloured

    for line in coloured(patch):
        console.print(line, soft_wrap=True)
