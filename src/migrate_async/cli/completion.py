"""`migrate-async completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from migrate_async.cli.options import example
from migrate_async.errors import UsageError

VARIABLE = "_MIGRATE_ASYNC_COMPLETE"
"""What click looks at to know that a shell asks for completions."""


@click.command(
    epilog=example(
        'eval "$(migrate-async completion bash)"',
        "migrate-async completion fish | source",
    )
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that completes commands and options in SHELL."""
    kind = get_completion_class(shell)
    if kind is None:  # pragma: no cover - click knows the three shells above
        raise UsageError(f"click offers no completion for {shell}")
    click.echo(kind(ctx.find_root().command, {}, "migrate-async", VARIABLE).source())
