"""`migrate-async lsp`."""

from __future__ import annotations

import gc
from importlib.util import find_spec

import click

from migrate_async.cli.options import example, global_options
from migrate_async.errors import UsageError


@click.command(epilog=example("migrate-async lsp"))
@global_options
def lsp() -> None:
    """Be the language server of an editor, on stdin and stdout.

    It shows what the linter finds while one types, with facts of the whole project, and offers the
    fixes. Needs the extra `lsp`.
    """
    if find_spec("pygls") is None:
        raise UsageError('the language server needs: pip install "migrate-async[lsp]"')
    from migrate_async.integrations.language_server import make_server

    gc.enable()  # off in commands that end soon
    make_server().start_io()
