"""Comments by themselves: text at the ends of lines, which no syntax tree is needed for."""

from __future__ import annotations

from collections.abc import Sequence

from migrate_async.errors import InternalError
from migrate_async.model.plan import AnyEdit, ReplaceComment
from migrate_async.source.lines import split_lines


def replace_comments(text: str, edits: Sequence[AnyEdit]) -> tuple[str, tuple[AnyEdit, ...]]:
    """`text` with the edits of comments made, and the other edits, whose places are the same.

    Raises `InternalError` when there is no comment where one is to be replaced.
    """
    comments = [edit for edit in edits if isinstance(edit, ReplaceComment)]
    if not comments:
        return text, tuple(edits)
    lines = split_lines(text)
    for edit in comments:
        lines[edit.span[0] - 1] = _replaced(lines[edit.span[0] - 1], edit)
    rest = tuple(edit for edit in edits if not isinstance(edit, ReplaceComment))
    return "".join(lines), rest


def _replaced(line: str, edit: ReplaceComment) -> str:
    body = line.rstrip("\r\n")
    _, start, _, end = edit.span
    if body[end:].strip() or not body[start:].startswith("#"):
        raise InternalError(f"line {edit.span[0]} has no comment at column {start}")
    kept = body[:start] if edit.code else body[:start].rstrip()
    return kept + edit.code + line[len(body) :]
