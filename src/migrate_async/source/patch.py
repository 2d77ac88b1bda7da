"""One patch for all changes, that `git apply` takes."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence

from migrate_async.model.change import FileChange
from migrate_async.source.read import SourceFile

_CONTEXT = 3
_SPECIAL = {'"': '\\"', "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}


def unified(changes: Sequence[FileChange], sources: Mapping[str, SourceFile] | None = None) -> str:
    """The patch of all `changes` that change something; empty if none does.

    With `sources` it is exact for files that are not UTF-8 or have a byte order mark: bytes that
    are not UTF-8 are escaped as Python does for file names, so write the patch with
    `patch.encode("utf-8", "surrogateescape")`.
    """
    return "".join(_file(change, (sources or {}).get(change.path)) for change in changes)


def _file(change: FileChange, source: SourceFile | None) -> str:
    if not change.changed:
        return ""
    before = _lines(_raw(change.before, source))
    after = _lines(_raw(change.after, source))
    old, new = _name(f"a/{change.path}"), _name(f"b/{change.path}")
    mark = "\t" if " " in change.path else ""
    head = f"diff --git {old} {new}\n--- {old}{mark}\n+++ {new}{mark}\n"
    return head + "".join(_hunks(before, after))


def _raw(text: str, source: SourceFile | None) -> str:
    """`text` as the file has it in bytes, those that are not UTF-8 escaped."""
    if source is None:
        return text
    return source.encode(text).decode("utf-8", "surrogateescape")


def _lines(text: str) -> list[str]:
    """The lines as git cuts them, each with its end."""
    lines = [f"{line}\n" for line in text.split("\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def _hunks(before: list[str], after: list[str]) -> Iterator[str]:
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for group in matcher.get_grouped_opcodes(_CONTEXT):
        first, last = group[0], group[-1]
        old, new = _range(first[1], last[2]), _range(first[3], last[4])
        yield f"@@ -{old} +{new} @@\n"
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                yield from (_line(" ", line) for line in before[i1:i2])
                continue
            yield from (_line("-", line) for line in before[i1:i2])
            yield from (_line("+", line) for line in after[j1:j2])


def _range(start: int, stop: int) -> str:
    """Lines `start` to `stop` (from 0, exclusive) as a hunk header has them."""
    length = stop - start
    if length == 1:
        return str(start + 1)
    return f"{start + 1 if length else start},{length}"


def _line(sign: str, line: str) -> str:
    return (
        f"{sign}{line}" if line.endswith("\n") else f"{sign}{line}\n\\ No newline at end of file\n"
    )


def _name(path: str) -> str:
    """`path`, quoted as git does where it has to be."""
    if not any(character in _SPECIAL for character in path):
        return path
    return '"' + "".join(_SPECIAL.get(character, character) for character in path) + '"'
