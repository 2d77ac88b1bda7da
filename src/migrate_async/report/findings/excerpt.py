"""Lines of source with a mark under what is meant."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from migrate_async.model.syntax import Span

_TAB = 4
_CUT = "..."


def excerpt(lines: Sequence[str], span: Span, width: int) -> list[str]:
    """The line that `span` starts on and, below it, carets under the part in `span`.

    Both have the line's number or blanks before them, and fit `width` columns: of a longer line
    the piece around the place is shown. Control characters are shown as blanks.
    """
    number, column, end_line, end_column = span
    if not 0 < number <= len(lines):
        return []
    cells = _cells(lines[number - 1].rstrip("\r\n"))
    indent = _indent(cells)
    last = end_column if end_line == number else len(cells)
    column = min(max(column, 0), len(cells))
    last = max(min(last, len(cells)), column + 1)
    start, stop = _window(cells, indent, column, last, width - len(_margin(number)))
    before = _CUT if start > indent else ""
    after = _CUT if stop < len(cells) else ""
    blanks = len(before) + _width_of(cells[start:column])
    carets = max(1, _width_of(cells[column : min(last, stop)]))
    margin = _margin(number)
    text = "".join(cells[start:stop]).rstrip()
    return [
        f"{margin}{before}{text}{after}",
        f"{' ' * (len(margin) - 2)}| {' ' * blanks}{'^' * carets}",
    ]


def _margin(number: int) -> str:
    return f"{number:>6} | "


def _cells(line: str) -> list[str]:
    if line.isprintable():
        return list(line)
    return [" " * _TAB if char == "\t" else char if char.isprintable() else " " for char in line]


def _indent(cells: Sequence[str]) -> int:
    """Where the text of the line starts."""
    return next((index for index, cell in enumerate(cells) if cell.strip()), 0)


def _window(
    cells: Sequence[str], indent: int, column: int, last: int, room: int
) -> tuple[int, int]:
    """The cells to show: all from the indentation on, or as many as fit around the place."""
    start = min(indent, column)
    if _width_of(cells[start:]) <= room:
        return start, len(cells)
    room -= 2 * len(_CUT)
    wanted = _width_of(cells[column:last])
    context = max(0, room - wanted) // 2
    start = _back(cells, start, column, context)
    stop, used = start, 0
    while stop < len(cells) and used + _width(cells[stop]) <= room:
        used += _width(cells[stop])
        stop += 1
    return start, max(stop, column + 1)


def _back(cells: Sequence[str], first: int, column: int, room: int) -> int:
    """The cell from which at most `room` columns lead to `column`."""
    start = column
    while start > first and room >= _width(cells[start - 1]):
        room -= _width(cells[start - 1])
        start -= 1
    return start


def _width_of(cells: Sequence[str]) -> int:
    text = "".join(cells)
    return len(text) if text.isascii() else _width(text)


def _width(cell: str) -> int:
    """The columns that a terminal gives the cell; accents that combine take none."""
    return sum(_columns(character) for character in cell)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
