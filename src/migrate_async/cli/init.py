"""`migrate-async init`: files that a project needs once."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import cast

import click

from migrate_async.cli.exit_codes import ExitCode
from migrate_async.cli.options import example, global_options
from migrate_async.errors import UsageError

ALEMBIC_HOOK = "migrate_async.runtime.migrations:write_environment"
"""`(folder: Path) -> Sequence[Path]`: writes an async Alembic environment, returns its files.

Named, not imported: the tooling imports nothing of the runtime, which owns the templates.
"""


@click.group(epilog=example("migrate-async init alembic"))
def init() -> None:
    """Write files that a project needs once."""


@init.command(epilog=example("migrate-async init alembic", "migrate-async init alembic migrations"))
@click.argument("folder", type=click.Path(path_type=Path), default=Path("alembic"))
@global_options
@click.pass_context
def alembic(ctx: click.Context, folder: Path) -> None:
    """Write an Alembic environment into FOLDER that runs on an async engine."""
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} exists and is not empty; name another folder")
    for path in _hook(ALEMBIC_HOOK)(folder):
        click.echo(path)
    ctx.exit(ExitCode.CLEAN)


def _hook(name: str) -> Callable[[Path], list[Path]]:
    module, _, attribute = name.partition(":")
    try:
        return cast(
            "Callable[[Path], list[Path]]", getattr(importlib.import_module(module), attribute)
        )
    except (ImportError, AttributeError) as error:
        raise UsageError(f"this installation has no templates for it: {error}") from None
