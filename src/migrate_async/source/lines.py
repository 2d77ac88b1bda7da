"""Text as lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


def split_lines(text: str) -> list[str]:
    """The lines of `text` with their ends, cut where Python's tokenizer cuts."""
    return _LINE.findall(text)


class Difference(NamedTuple):
    """The lines `first` to before `end`, from 0, have become `lines`."""

    first: int
    end: int
    lines: Sequence[str]


def difference(before: Sequence[str], after: Sequence[str]) -> Difference:
    """What makes the lines `before` into `after`, without those equal at both ends."""
    same = min(len(before), len(after))
    first = next((n for n in range(same) if before[n] != after[n]), same)
    room = same - first
    last = next((n for n in range(room) if before[-1 - n] != after[-1 - n]), room)
    return Difference(first, len(before) - last, after[first : len(after) - last])
