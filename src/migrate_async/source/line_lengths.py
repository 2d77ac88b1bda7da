"""How long the lines of a code base get: what formatters default to, or a bit more."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from migrate_async.source.lines import split_lines

_LIMITS = (88, 100)
_STYLE = 0.004
"""The share of lines longer than the default that makes a style."""

_MIGRATED = re.compile(
    r"await |async |Async|Sync|_async|run_in_threadpool"
    r"|def |import |db|ession"
    r"|query|select\(|where\(|filter|options\(|execute\(|scalar|joinedload"
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
    lines = [line for line in split_lines(text) if _MIGRATED.search(line) is None]
    # Tabs aside, a line is as wide as it is long.
    wide = (line for line in lines if len(line) > default or "\t" in line)
    long = sum(default < width(line.rstrip("\r\n")) <= wider for line in wide)
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
