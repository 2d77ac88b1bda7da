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

ALEMBIC_HOOK = "migrate_async.runtime.scaffold:alembic_files"
"""`(metadata, folder=...) -> {path: text}`.

Named, not imported: the templates belong to the runtime, of which the tooling imports nothing.
"""


@click.group(epilog=example("migrate-async init alembic app.models:Base.metadata"))
def init() -> None:
    """Write files that a project needs once."""


@init.command(
    epilog=example(
        "migrate-async init alembic app.models:Base.metadata",
        "migrate-async init alembic app.db:metadata --folder alembic",
    )
)
@click.argument("metadata")
@click.option(
    "--folder",
    default="migrations",
    show_default=True,
    help="Where env.py and the revisions go, relative to the working directory.",
)
@global_options
@click.pass_context
def alembic(ctx: click.Context, *, metadata: str, folder: str) -> None:
    """Write an Alembic environment that runs on an async engine.

    METADATA says where the tables are, as module:attribute. No file is overwritten.
    """
    files = _alembic_files(metadata, folder)
    existing = [path for path in files if Path(path).exists()]
    if existing:
        raise UsageError(f"would overwrite {', '.join(existing)}: move it, or name another folder")
    for path, text in files.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text, encoding="utf-8")
        click.echo(path)
    ctx.exit(ExitCode.CLEAN)


def _alembic_files(metadata: str, folder: str) -> dict[str, str]:
    module, _, attribute = ALEMBIC_HOOK.partition(":")
    try:
        hook = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"this installation has no templates for it: {error}") from None
    try:
        return cast("Callable[..., dict[str, str]]", hook)(metadata, folder=folder)
    except ValueError as error:
        raise UsageError(str(error)) from None
