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
        """Whether colour is unwanted: `--no-color`, `NO_COLOR`, or `CLICOLOR=0`."""
        wanted = os.environ
        return (
            self.no_color
            or bool(wanted.get("NO_COLOR"))
            or (wanted.get("CLICOLOR") == "0" and not is_colour_forced())
        )

    def has_colour(self, stream: TextIO) -> bool:
        """Whether what is written to `stream` is to be in colour."""
        if self.is_plain:
            return False
        is_capable = stream.isatty() and os.environ.get("TERM") not in {"dumb", "unknown"}
        return is_capable or is_colour_forced()

    def console(self, *, stderr: bool = False, quiet: bool = False) -> Console:
        """A console without colour when told so; `BrokenPipeError` comes out of it as it is."""
        from migrate_async.report.page import open_console

        return open_console(
            stderr=stderr,
            is_plain=self.is_plain,
            is_forced=is_colour_forced(),
            quiet=quiet,
        )

    def write(self, text: str) -> None:
        """Write `text` to stdout as it is: a patch, a JSON document."""
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
        sys.stdout.buffer.flush()


def is_colour_forced() -> bool:
    """Whether `FORCE_COLOR` or `CLICOLOR_FORCE` ask for colour where nothing shows it: in CI."""
    return any(
        os.environ.get(name, "") not in {"", "0"} for name in ("FORCE_COLOR", "CLICOLOR_FORCE")
    )
