"""`migrate-async lint`."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from migrate_async.cli.exit_codes import ExitCode
from migrate_async.cli.invocation import Invocation
from migrate_async.cli.lint_options import lint_options
from migrate_async.cli.options import example, global_options, pass_workspace
from migrate_async.cli.workspace import Workspace, not_excluded, open_workspace
from migrate_async.errors import UsageError

if TYPE_CHECKING:
    from migrate_async.cli.lint_request import LintRequest, LintRun
    from migrate_async.model.change import Repair
    from migrate_async.report.findings.report import Report


@click.command(
    epilog=example(
        "migrate-async lint",
        "migrate-async lint app --select MA6 --fix",
        "migrate-async lint --since main --format github",
        "migrate-async lint --baseline known.json --update-baseline",
        "migrate-async lint --explain MA801",
    )
)
@pass_workspace
@lint_options
@global_options
@click.pass_context
def lint(ctx: click.Context, /, *, workspace: Workspace, **options: Any) -> None:
    """Report what leaks, blocks or will not survive the migration.

    The whole project is read, so that names can be followed; PATHS choose what is reported. Exits
    with 1 when something is reported.
    """
    invocation = ctx.ensure_object(Invocation)
    if options["explain"]:
        _explain(options["explain"], options["output"], invocation)
        return
    if options["force_exclude"]:
        selection = not_excluded(workspace)
        if workspace.selection and not selection:
            return  # nothing of what was named is left; no selection would be everything
        workspace = dataclasses.replace(workspace, selection=selection)
    if options["all_files"]:
        settings = msgspec.structs.replace(workspace.settings, reach="all")
        workspace = dataclasses.replace(workspace, settings=settings)
    workspace, request = _request(workspace, invocation, options)
    from migrate_async.cli import lint_use_case

    with invocation.progress() as progress:
        run = lint_use_case.lint(workspace, request, progress)
    _show(run, invocation, options)
    ctx.exit(exit_code(run, exit_zero=options["exit_zero"]))


def exit_code(run: LintRun, *, exit_zero: bool = False) -> ExitCode:
    """A bug of ours outweighs findings; changes that are not written count as findings."""
    result = run.result
    if result.internal_errors:
        return ExitCode.INTERNAL
    pending = result.changed and not result.written
    if exit_zero or not (result.findings or result.diagnostics or pending):
        return ExitCode.CLEAN
    return ExitCode.FINDINGS


def _request(
    workspace: Workspace, invocation: Invocation, options: dict[str, Any]
) -> tuple[Workspace, LintRequest]:
    from migrate_async.cli.lint_request import LintRequest, Ratchet
    from migrate_async.model.lint import FixMode, Selection

    instead: dict[str, bytes] = {}
    if options["stdin_filename"] is not None:
        workspace, path = _for_stdin(workspace, invocation, options["stdin_filename"])
        instead[path] = sys.stdin.buffer.read()
    wants_fixes = options["fix"] or options["unsafe_fixes"]
    fix = FixMode.DIFF if options["diff"] else FixMode.WRITE if wants_fixes else FixMode.NONE
    return workspace, LintRequest(
        selection=Selection(options["select"], options["extend_select"], options["ignore"]),
        strict=options["strict"],
        since=options["since"] or "",
        baseline=options["baseline"],
        without_baseline=options["no_baseline"],
        ratchet=Ratchet(options["ratchet"] or Ratchet.CHECK),
        fix=fix,
        unsafe=options["unsafe_fixes"],
        noqa=(options["reason"] or "") if options["add_noqa"] else None,
        instead=instead,
    )


def _for_stdin(workspace: Workspace, invocation: Invocation, file: Path) -> tuple[Workspace, str]:
    """The project of the file that stdin stands for, that file selected, and its path there."""
    if workspace.selection:
        raise UsageError("--stdin-filename names the file: leave PATHS out")
    opened = open_workspace(
        [file], config_file=invocation.config, jobs=workspace.jobs, cache=workspace.cache
    )
    if not opened.selection:
        raise UsageError(f"--stdin-filename: {file} is a folder")
    return opened, opened.selection[0]


def _show(run: LintRun, invocation: Invocation, options: dict[str, Any]) -> None:
    """The patch, if one was asked for, goes to stdout alone, and the report to stderr."""
    from migrate_async.report.findings.report import Report

    file: Path | None = options["output_file"]
    if options["diff"]:
        invocation.write(run.result.patch)
    is_text = options["output"] == "text"
    if invocation.quiet and file is None and (is_text or options["diff"]):
        return
    stream = sys.stderr if options["diff"] else sys.stdout
    colour = is_text and file is None and invocation.has_colour(stream)
    prefix = _path_from_top(run) if options["output"] in _FOR_SERVERS else ""
    rules = run.rules if options["output"] in _WITH_RULES else ()
    repairs = _repairs(run) if options["output"] in _WITH_FIXES else {}
    report = Report(run.result, run.sources, rules, colour, prefix=prefix, repairs=repairs)
    text = _rendered(report, options["output"], statistics=options["statistics"])
    if file is not None:
        from migrate_async.source.write import write_file

        write_file(Path.cwd() / file, text.encode("utf-8", "surrogateescape"))
        if not invocation.quiet:
            click.echo(f"Wrote {file}: {_counted(run)}.", err=True)
    elif options["diff"]:
        click.echo(text, nl=False, err=True)
    else:
        invocation.write(text)


_WITH_RULES = ("sarif",)
"""Formats that describe the rules as well."""
_WITH_FIXES = ("sarif",)
"""Formats that offer the fixes."""
_FOR_SERVERS = ("sarif", "github", "gitlab")
"""Formats whose readers know the repository, and not the project in a folder of it."""


def _repairs(run: LintRun) -> Mapping[str, Repair]:
    from migrate_async.cli.lint_repairs import repairs

    if not any(finding.fix for finding in run.result.findings):
        return {}
    return repairs(run.result, run.sources)


def _path_from_top(run: LintRun) -> str:
    from migrate_async.source.git import path_from_top

    return path_from_top(run.root)


def _counted(run: LintRun) -> str:
    from migrate_async.report.words import counted

    return counted(len(run.result.findings), "finding")


def _rendered(report: Report, output: str, *, statistics: bool) -> str:
    from migrate_async.report.findings.report import render

    if not statistics:
        return render(report, output)
    from migrate_async.report.findings import statistics as numbers

    if output not in {"text", "json"}:
        raise UsageError("--statistics comes as text or json")
    return numbers.render_json(report) if output == "json" else numbers.render(report)


def _explain(key: str, output: str, invocation: Invocation) -> None:
    from migrate_async.lint.registry import find
    from migrate_async.report.findings import rules

    rule = find(key)
    if output == "json":
        invocation.write(rules.list_document([rule]) + "\n")
    else:
        rules.render_rule(rule, invocation.page)
