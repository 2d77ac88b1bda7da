"""Rewrite only the statements that edits are in; every other byte is copied.

Parsing with LibCST costs far more than parsing with `ast`, so `ast` finds, for each edit, the
outermost function or class-level or module-level statement around it, and LibCST gets the text of
those alone. An island takes along the blank and comment lines around it, and stands between two
`pass` statements in place of its neighbours, so that it comes out exactly as it would from a pass
over the whole module.
"""

from __future__ import annotations

import ast
import dataclasses
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from migrate_async.errors import InternalError, SourceError
from migrate_async.model.plan import AnyEdit, WrapStatements
from migrate_async.rewrite.executor import execute
from migrate_async.rewrite.lines import Style, width

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_LIMITS = (88, 100)


def split_lines(text: str) -> list[str]:
    """The lines of `text` with their ends, cut where Python's tokenizer cuts."""
    return _LINE.findall(text)


def line_limit(texts: Iterable[str]) -> int:
    """The length that lines of a code base keep to: what formatters default to, or a bit more."""
    longest = {width(line.rstrip("\r\n")) for text in texts for line in split_lines(text)}
    default, wider = _LIMITS
    return wider if any(default < length <= wider for length in longest) else default


def style_of(text: str, tree: ast.Module, limit: int | None = None) -> Style:
    """The indentation that `text` starts with, and the line length that it keeps to."""
    unit = next(_first_indents(tree.body, split_lines(text)), "    ")
    return Style(unit, line_limit([text]) if limit is None else limit)


def _first_indents(body: Sequence[ast.stmt], lines: Sequence[str]) -> Iterator[str]:
    for statement in body:
        inner = getattr(statement, "body", None)
        if inner and inner[0].lineno > statement.lineno:
            text = lines[_first_line(inner[0], lines) - 1]
            indent = text[: len(text) - len(text.lstrip(" \t"))]
            if indent:
                yield indent


def rewrite(text: str, edits: Sequence[AnyEdit], limit: int | None = None) -> str:
    """`text` with all `edits` made; the same as `whole`, at less cost.

    Lines get no longer than `limit` columns, where that can be helped; None: what `text` keeps to.

    Raises `SourceError` when `text` is not valid Python and `InternalError` when an edit fits
    nothing in it.
    """
    if not edits:
        return text
    tree = _parse(text)
    lines = split_lines(text)
    style = style_of(text, tree, limit)
    islands = _merged([_island(tree.body, lines, edit) for edit in edits])
    for island in reversed(islands):
        inside = [edit for edit in edits if island.start <= edit.span[0] <= island.end]
        lines[island.start - 1 : island.end] = [_rewritten(island, lines, inside, style)]
    return _ended_like(text, "".join(lines))


def whole(text: str, edits: Sequence[AnyEdit]) -> str:
    """`text` with all `edits` made in one pass over the whole module.

    Raises as `rewrite` does.
    """
    if not edits:
        return text
    style = style_of(text, _parse(text))
    return _ended_like(text, _executed(text, edits, style))


def _ended_like(before: str, after: str) -> str:
    """`after` with a line end at the end, or without one, as `before` has it."""
    if before.endswith(("\n", "\r")):
        # LibCST does not take a lone carriage return for the end of the last line.
        lacks_end = after and not after.endswith(("\n", "\r"))
        return after + _line_end(split_lines(before)[-1]) if lacks_end else after
    return re.sub(r"(\r\n|\r|\n)\Z", "", after)


def _executed(text: str, edits: Sequence[AnyEdit], style: Style) -> str:
    module = execute(text, edits, style)
    # LibCST makes a blank line of a module that has become empty.
    return module.code if module.body or module.header or module.footer else ""


def _parse(text: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise SourceError("MA001", f"cannot be parsed: {error}") from None


# --- where the islands are ---------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Island:
    """The lines `start` to `end` (from 1, inclusive), of statements indented by `indent`.

    `first` and `last`: no statement of the same block stands before or after them.
    """

    start: int
    end: int
    indent: str
    first: bool
    last: bool


def _island(body: Sequence[ast.stmt], lines: Sequence[str], edit: AnyEdit) -> Island:
    begin = edit.span[0]
    end = max(edit.span[2], edit.until[2] if isinstance(edit, WrapStatements) else 0)
    inner = _class_around(body, lines, begin, end)
    if inner is not None:
        return _island(inner, lines, edit)
    covered = [i for i, s in enumerate(body) if _overlaps(s, lines, begin, end)]
    if not covered:
        raise InternalError(f"no statement at line {begin} to edit")
    return _extended(body, lines, _on_same_lines(body, lines, covered[0], covered[-1]))


def _class_around(
    body: Sequence[ast.stmt], lines: Sequence[str], begin: int, end: int
) -> list[ast.stmt] | None:
    """The body of the class in which the lines lie, if it has lines of its own."""
    for statement in body:
        if not isinstance(statement, ast.ClassDef):
            continue
        start = _first_line(statement.body[0], lines)
        own_lines = start > _head_end(statement)
        if own_lines and start <= begin and end <= _last_line(statement):
            return statement.body
    return None


def _head_end(statement: ast.ClassDef) -> int:
    parts = [*statement.bases, *(keyword.value for keyword in statement.keywords)]
    return max([statement.lineno, *(part.end_lineno or 0 for part in parts)])


def _overlaps(statement: ast.stmt, lines: Sequence[str], begin: int, end: int) -> bool:
    return _first_line(statement, lines) <= end and begin <= _last_line(statement)


def _on_same_lines(
    body: Sequence[ast.stmt], lines: Sequence[str], first: int, last: int
) -> tuple[int, int]:
    """`first` and `last`, widened to the statements that share a line with them (`a; b`)."""
    while first and _last_line(body[first - 1]) == _first_line(body[first], lines):
        first -= 1
    while last + 1 < len(body) and _first_line(body[last + 1], lines) == _last_line(body[last]):
        last += 1
    return first, last


def _extended(body: Sequence[ast.stmt], lines: Sequence[str], covered: tuple[int, int]) -> Island:
    """The island of the statements `covered`, with the blank and comment lines that are theirs."""
    first, last = covered
    text = lines[_first_line(body[first], lines) - 1]
    indent = text[: len(text) - len(text.lstrip(" \t\f"))]
    start = _first_line(body[first], lines)
    if first:
        start = _after_footer(lines, _last_line(body[first - 1]), start - 1, indent)
    else:
        start = _comments_above(lines, start)
    end = _last_line(body[last])
    is_last = last + 1 == len(body)
    if is_last:
        end = _after_footer(lines, end, len(lines), indent) - 1
    else:
        end = _first_line(body[last + 1], lines) - 1
    return Island(start, end, indent, first == 0, is_last)


def _comments_above(lines: Sequence[str], start: int) -> int:
    """The first of the blank and comment lines directly above line `start`, or `start`."""
    while start > 1 and (not lines[start - 2].strip() or lines[start - 2].lstrip()[0] == "#"):
        start -= 1
    return start


def _after_footer(lines: Sequence[str], last: int, end: int, indent: str) -> int:
    """The line after the comments that follow line `last` but are indented deeper."""
    start = last + 1
    for number in range(last + 1, end + 1):
        text = lines[number - 1]
        stripped = text.strip()
        if stripped and not stripped.startswith("#"):
            break
        if stripped and len(text) - len(text.lstrip(" \t\f")) > len(indent):
            start = number + 1
    return start


def _first_line(statement: ast.stmt, lines: Sequence[str]) -> int:
    decorators = getattr(statement, "decorator_list", ())
    if not decorators:
        return statement.lineno
    line: int = decorators[0].lineno
    while line > 1 and not lines[line - 1].lstrip().startswith("@"):
        line -= 1
    return line


def _last_line(statement: ast.stmt) -> int:
    return statement.end_lineno or statement.lineno


def _merged(islands: list[Island]) -> list[Island]:
    """The islands in order, those that overlap as one."""
    result: list[Island] = []
    for island in sorted(islands, key=lambda island: (island.start, -island.end)):
        if not result or island.start > result[-1].end:
            result.append(island)
            continue
        known = result[-1]
        if island.end > known.end:
            result[-1] = dataclasses.replace(known, end=island.end, last=island.last)
    return result


# --- rewriting one -----------------------------------------------------------------------------


def _rewritten(island: Island, lines: Sequence[str], edits: Sequence[AnyEdit], style: Style) -> str:
    newline = _line_end(lines[0])
    head = [f"if True:{newline}"] if island.indent else []
    if not island.first:
        head.append(f"{island.indent}pass{newline}")
    tail = [] if island.last else [f"{island.indent}pass{newline}"]
    text = "".join([*head, *lines[island.start - 1 : island.end], *tail])
    offset = len(head) - (island.start - 1)
    moved = [_moved(edit, offset) for edit in edits]
    result = split_lines(_executed(text, moved, style))
    return "".join(result[len(head) : len(result) - len(tail)])


def _line_end(line: str) -> str:
    return line[len(line.rstrip("\r\n")) :] or "\n"


def _moved(edit: AnyEdit, offset: int) -> AnyEdit:
    line, column, end_line, end_column = edit.span
    changes: dict[str, object] = {"span": (line + offset, column, end_line + offset, end_column)}
    if isinstance(edit, WrapStatements):
        line, column, end_line, end_column = edit.until
        changes["until"] = (line + offset, column, end_line + offset, end_column)
    result: AnyEdit = msgspec.structs.replace(edit, **changes)
    return result
