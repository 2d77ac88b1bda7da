"""What a finding is called, whatever line it moves to.

A finding is told by its file, its code, its function, the text of its line and, where all these
are equal, its number among them.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable

import msgspec

from migrate_async.model.finding import Finding
from migrate_async.source.lines import split_lines

_LENGTH = 32


class Identity(msgspec.Struct, frozen=True, order=True, omit_defaults=True):
    """`source` is the line that the finding starts on, runs of blanks as one blank each."""

    path: str
    code: str
    function: str
    source: str
    number: int = 1

    @property
    def fingerprint(self) -> str:
        parts = (self.path, self.code, self.function, self.source, str(self.number))
        return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:_LENGTH]


def identities(findings: Iterable[Finding], text_of: Callable[[str], str]) -> list[Identity]:
    """What each of `findings`, which are in order, is called; `text_of` gives a file's text."""
    lines: dict[str, list[str]] = {}
    seen: Counter[Identity] = Counter()
    result = []
    for finding in findings:
        if finding.path not in lines:
            lines[finding.path] = split_lines(text_of(finding.path))
        first = _line(lines[finding.path], finding.span[0])
        base = Identity(finding.path, finding.code, finding.function, first)
        seen[base] += 1
        result.append(msgspec.structs.replace(base, number=seen[base]))
    return result


def _line(lines: list[str], number: int) -> str:
    return " ".join(lines[number - 1].split()) if 0 < number <= len(lines) else ""
