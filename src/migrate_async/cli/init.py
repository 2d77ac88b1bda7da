"""`migrate-async init`: files that a project needs once."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import cast

import click

from migrate_async.cli.exit_codes import ExitCode
from migrate_async.cli.invocation import Invocation
from migrate_async.cli.options import example, global_options
from migrate_async.config import projects_below
from migrate_async.errors import UsageError

ALEMBIC_HOOK = "migrate_async.runtime.scaffold:alembic_files"
"""`(metadata, folder=...) -> {path: text}`.

Named, not imported: the templates belong to the runtime, of which the tooling imports nothing.
"""


@click.group(
    invoke_without_command=True,
    epilog=example(
        "migrate-async init --diff",
        "migrate-async init",
        "migrate-async init alembic app.models:Base.metadata",
    ),
)
@click.option("--diff", "is_diff", is_flag=True, help="Print what would be written, write nothing.")
@global_options
@click.pass_context
def init(ctx: click.Context, *, is_diff: bool) -> None:
    """Write files that a project needs once.

    Without a command: [tool.migrate-async] in pyproject.toml, with a baseline of what `lint` finds
    today, a pre-commit hook, and a CI step where GitHub or GitLab is used. What is there already
    stays as it is.
    """
    if ctx.invoked_subcommand is None:
        _set_up(ctx, is_diff=is_diff)


def _set_up(ctx: click.Context, *, is_diff: bool) -> None:
    from migrate_async.cli.setup import use_case
    from migrate_async.cli.workspace import open_workspace
    from migrate_async.report.setup import render_patch, render_setup

    invocation = ctx.ensure_object(Invocation)
    workspace = open_workspace((), config_file=invocation.config)
    several = projects_below(workspace.root)
    if several:
        raise UsageError(f"this folder holds several projects: run init in one, {several[0]} say")
    with invocation.progress() as progress:
        proposals = use_case.propose(workspace, progress)
        if not is_diff:
            use_case.carry_out(proposals, workspace.root)
            configured = open_workspace((), config_file=invocation.config)
            accepted = use_case.accept_findings(configured, progress)
    if is_diff:
        render_patch(proposals, invocation.page)
    else:
        render_setup(proposals, accepted, invocation.page)
    ctx.exit(ExitCode.CLEAN)


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
