"""How long the lines of a code base get: what formatters default to, or a bit more."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from migrate_async.source.lines import split_lines

_LIMITS = (88, 100)
_STYLE = 0.004
"""The share of lines longer than the default that makes a style."""


class Lengths(NamedTuple):
    """How many lines a file has, and how many of them are longer than the default, a bit."""

    lines: int
    long: int


def width(text: str) -> int:
    """Columns of the longest line of `text`; a tab counts four."""
    return max(len(line.expandtabs(4)) for line in text.split("\n"))


def lengths_of(text: str) -> Lengths:
    """The lines of the file with that text, counted."""
    default, wider = _LIMITS
    lines = split_lines(text)
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
