"""The program `migrate-async`: global options and the table of commands."""

from __future__ import annotations

import click

from migrate_async import __version__
from migrate_async.cli.group import Program
from migrate_async.cli.options import example, global_options

COMMANDS = {
    "scan": "migrate_async.cli.scan:scan",
    "plan": "migrate_async.cli.plan:plan",
    "migrate": "migrate_async.cli.migrate:migrate",
    "lint": "migrate_async.cli.lint:lint",
    "rules": "migrate_async.cli.rules:list_rules",
    "lsp": "migrate_async.integrations.lsp:lsp",
    "finish": "migrate_async.cli.finish:finish",
    "verify": "migrate_async.cli.verify:verify",
    "record": "migrate_async.cli.record:record",
    "status": "migrate_async.cli.status:status",
    "undo": "migrate_async.cli.undo:undo",
    "codemod": "migrate_async.cli.codemod:codemod",
    "demo": "migrate_async.cli.demo:demo",
    "init": "migrate_async.cli.init:init",
    "completion": "migrate_async.cli.completion:completion",
}


@click.group(
    cls=Program,
    commands_at=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=example(
        "migrate-async scan",
        "migrate-async plan --step queries app",
        "migrate-async migrate app --diff",
        "migrate-async migrate --all --write",
        "migrate-async lint --since main",
    ),
)
@global_options
@click.version_option(__version__, prog_name="migrate-async")
def cli() -> None:
    """Move a code base from sync SQLAlchemy to async SQLAlchemy 2.x.

    Nothing is written unless `migrate`, `finish` or `codemod run` is given --write or `lint` --fix;
    `init` writes. Exit codes: 0 nothing to report, 1 findings or changes pending, 2 usage or
    environment error, 3 internal error.
    """
