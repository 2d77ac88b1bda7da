"""What the global options of one call say, and where its output goes."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from migrate_async.cli.progress import Progress, Spinner

if TYPE_CHECKING:
    from rich.console import Console

    from migrate_async.report.page import Page


@dataclass
class Invocation:
    """One call of the program. Results go to stdout, progress and errors to stderr."""

    quiet: bool = False
    verbose: bool = False
    no_color: bool = False
    config: Path | None = None

    @cached_property
    def page(self) -> Page:
        """Text for people; silent when quiet."""
        from migrate_async.report.page import Page

        return Page(self.console(quiet=self.quiet))

    def progress(self) -> Progress:
        """Shows the phases of long work on stderr, if that is a terminal and not quiet."""
        if self.quiet or not sys.stderr.isatty():
            return Progress()
        return Spinner(self.console(stderr=True))

    @property
    def is_plain(self) -> bool:
        """Whether colour is unwanted, by `--no-color` or by `NO_COLOR`."""
        return self.no_color or bool(os.environ.get("NO_COLOR"))

    def has_colour(self, stream: TextIO) -> bool:
        """Whether what is written to `stream` is to be in colour."""
        return stream.isatty() and not self.is_plain

    def console(self, *, stderr: bool = False, quiet: bool = False) -> Console:
        """A console without colour when told so, by `--no-color` or by `NO_COLOR`."""
        from rich.console import Console

        return Console(
            stderr=stderr,
            color_system=None if self.is_plain else "auto",
            highlight=False,
            emoji=False,
            markup=False,
            quiet=quiet,
        )

    def write(self, text: str) -> None:
        """Write `text` to stdout as it is: a patch, a JSON document."""
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
        sys.stdout.buffer.flush()
