"""`migrate-async codemod list|explain|run`."""

from __future__ import annotations

import click

from migrate_async.cli import use_cases
from migrate_async.cli.invocation import Invocation
from migrate_async.cli.options import (
    example,
    format_option,
    global_options,
    mode_options,
    pass_workspace,
)
from migrate_async.cli.outcome import exit_code, show
from migrate_async.cli.workspace import Workspace
from migrate_async.errors import UsageError
from migrate_async.model.plan import Step
from migrate_async.model.summary import Mode


@click.group(
    epilog=example("migrate-async codemod list", "migrate-async codemod explain async-colour")
)
def codemod() -> None:
    """List the codemods, read about one, run one alone."""
