"""How long the lines of a code base get: what formatters default to, or a bit more."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from migrate_async.source.lines import split_lines

_LIMITS = (88, 100)
_STYLE = 0.004
"""The share of lines longer than the default that makes a style."""

_MIGRATED = (
    *("await ", "async ", "Async", "Sync", "_async", "run_in_threadpool"),
    *("def ", "import ", "db", "ession"),
    *("query", "select(", "where(", "filter", "options(", "execute(", "scalar", "joinedload"),
)
"""What is said by lines that a migration changes, before or after: they tell nothing of a style.

A migration that goes route by route must break its lines alike from the first run to the last,
though each time fewer lines are those of the authors, and more its own.
"""


class Lengths(NamedTuple):
    """How many lines of a file tell of its style, and how many of them are a bit too long."""

    lines: int
    long: int


def width(text: str) -> int:
    """Columns of the longest line of `text`; a tab counts four."""
    return max(len(line.expandtabs(4)) for line in text.split("\n"))


def lengths_of(text: str) -> Lengths:
    """Those of the lines of the file with that text that say nothing of what is migrated."""
    default, wider = _LIMITS
    lines = [line for line in split_lines(text) if not any(word in line for word in _MIGRATED)]
    long = sum(default < width(line.rstrip("\r\n")) <= wider for line in lines)
    return Lengths(len(lines), long)


def limit_of(files: Iterable[Lengths]) -> int:
    """The length that the lines of all `files` keep to.

    A few long lines are no style: one that could not be broken must not make later runs, of the
    same code base, break lines elsewhere.
    """
    default, wider = _LIMITS
    lines = long = 0
    for file in files:
        lines += file.lines
        long += file.long
    return wider if long > lines * _STYLE else default
