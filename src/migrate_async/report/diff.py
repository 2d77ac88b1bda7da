"""A patch for reading: coloured, or cut short."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

_FILE_HEADERS = ("diff ", "index ", "--- ", "+++ ", "old mode", "new mode")


def coloured(patch: str) -> Iterator[Text]:
    """The lines of `patch` with styles; only terminal control characters are left out."""
    in_hunk = False
    for line in patch.split("\n"):
        in_hunk = line.startswith("@@") or (in_hunk and not line.startswith("diff "))
        yield Text(line, style=_style(line, in_hunk=in_hunk))


def _style(line: str, *, in_hunk: bool) -> str:
    if line.startswith("@@"):
        return "cyan"
    if not in_hunk:
        return "bold" if line.startswith(_FILE_HEADERS) else ""
    return {"+": "green", "-": "red", "\\": "dim"}.get(line[:1], "")


def shortened(patch: str, lines: int) -> str:
    """The first `lines` lines of `patch`, and how many were left out."""
    every = patch.splitlines(keepends=True)
    if len(every) <= lines:
        return patch
    return "".join(every[:lines]) + f"... {len(every) - lines} more lines\n"
