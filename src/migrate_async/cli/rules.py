"""`migrate-async rules`."""

from __future__ import annotations

import click

from migrate_async.cli.exit_codes import ExitCode
from migrate_async.cli.invocation import Invocation
from migrate_async.cli.options import example, format_option, global_options


@click.command("rules", epilog=example("migrate-async rules", "migrate-async rules --format json"))
@format_option
@global_options
@click.pass_context
def list_rules(ctx: click.Context, *, output: str) -> None:
    """List the linter's rules, also those of other installed packages."""
    from migrate_async.lint.registry import rules
    from migrate_async.report.findings.rules import list_document, render_list

    invocation = ctx.ensure_object(Invocation)
    if output == "json":
        invocation.write(list_document(rules()) + "\n")
    else:
        render_list(rules(), invocation.page)
    ctx.exit(ExitCode.CLEAN)
