"""Lines on a terminal or in a pipe, without the surprises of automatic wrapping.

On a terminal a long line continues below its own start, at a hanging indent. Anywhere else a line
stays one line, whatever its length, without colour and without trailing blanks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.text import Text

MINIMUM_WIDTH = 20
"""A terminal narrower than the indent plus this many columns gets overlong lines."""


class _Console(Console):
    """Whoever reads may stop, as `head` does: the caller hears of it and says so."""

    def on_broken_pipe(self) -> None:
        raise  # noqa: PLE0704 - `rich` calls this where it handles the error


def open_console(*, stderr: bool, is_plain: bool, is_forced: bool, quiet: bool) -> Console:
    """A console on stdout or stderr: its text is no markup, its colours are those of the terminal.

    `is_forced`: in colour also where it is written to a pipe or a file.
    """
    return _Console(
        stderr=stderr,
        color_system=None if is_plain else "auto",
        force_terminal=True if is_forced and not is_plain else None,
        highlight=False,
        emoji=False,
        markup=False,
        quiet=quiet,
    )


class Page:
    """Writes to `console`, one line at a time."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def line(self, *parts: str | tuple[str, str], indent: int = 0, hang: int = 2) -> None:
        """Write one line made of `parts`: plain text, or `(text, style)`.

        `indent` blanks go before it and `hang` more before its continuation lines.
        """
        text = Text.assemble(*parts)
        if not self.console.is_terminal:
            self._write(Text(" " * indent).append_text(text))
            return
        for number, piece in enumerate(self._wrapped(text, indent, hang)):
            self._write(Text(" " * (indent + (hang if number else 0))).append_text(piece))

    def blank(self) -> None:
        self._write(Text())

    def heading(self, title: str) -> None:
        """A title with an empty line above it."""
        self.blank()
        self.line((title, "bold"))

    def columns(
        self, rows: Iterable[Sequence[str]], *, header: Sequence[str] = (), indent: int = 2
    ) -> None:
        """Align `rows`: cells of digits to the right, the last cell as it is.

        All rows have the same number of cells. The last cell may be of any length; it alone
        continues on a further line.
        """
        table = list(rows)
        widths = _widths([header, *table] if header else table)
        hang = sum(widths) + 2 * len(widths)
        if header:
            self.line((_aligned(header, widths, table), "dim"), indent=indent, hang=hang)
        for row in table:
            self.line(_aligned(row, widths, table), indent=indent, hang=hang)

    def _wrapped(self, text: Text, indent: int, hang: int) -> list[Text]:
        """The lines of `text`: the first one goes as far as the others do."""
        text.expand_tabs(8)
        width = max(self.console.width - indent, MINIMUM_WIDTH + hang)
        pieces = list(text.wrap(self.console, width, overflow="fold"))
        if len(pieces) < 2 or not hang:
            return pieces or [text]
        rest = text[len(pieces[0].plain) :]
        rest = rest[len(rest.plain) - len(rest.plain.lstrip()) :]
        return [pieces[0], *rest.wrap(self.console, width - hang, overflow="fold")]

    def _write(self, text: Text) -> None:
        text.rstrip()
        self.console.print(text, soft_wrap=True, highlight=False)


def render_documentation(text: str, page: Page) -> None:
    """A docstring in Markdown: headings are bold, the rest is as it is."""
    for line in text.splitlines():
        if line.startswith("## "):
            page.line((line.removeprefix("## "), "bold"))
        else:
            page.line(line, hang=0)


def _widths(table: Sequence[Sequence[str]]) -> list[int]:
    """The widths of all columns but the last."""
    return [max(map(len, column)) for column in list(zip(*table, strict=True))[:-1]]


def _aligned(row: Sequence[str], widths: Sequence[int], table: Sequence[Sequence[str]]) -> str:
    cells = []
    for number, width in enumerate(widths):
        numeric = all(line[number].isdigit() for line in table)
        cells.append(row[number].rjust(width) if numeric else row[number].ljust(width))
    return "  ".join([*cells, row[-1]])
