"""Rewrite only the lines that edits are in; every other byte is copied.

LibCST costs far more than `ast`, so `ast` finds the regions that edits are about and LibCST gets
the text of those alone. They come out exactly as from a pass over the whole module.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from migrate_async.errors import SourceError
from migrate_async.model.plan import AnyEdit, WrapStatements
from migrate_async.rewrite.executor import execute
from migrate_async.rewrite.lines import Style
from migrate_async.rewrite.regions import Region, Regions, first_line
from migrate_async.source.line_lengths import lengths_of, limit_of
from migrate_async.source.lines import split_lines
from migrate_async.source.trees import parse_module


def line_limit(texts: Iterable[str]) -> int:
    """The length that lines of a code base keep to."""
    return limit_of(map(lengths_of, texts))


def style_of(text: str, tree: ast.Module, limit: int | None = None) -> Style:
    """The indentation that `text` starts with, and the line length that it keeps to."""
    unit = next(_first_indents(tree.body, split_lines(text)), "    ")
    return Style(unit, line_limit([text]) if limit is None else limit)


def _first_indents(body: Sequence[ast.stmt], lines: Sequence[str]) -> Iterator[str]:
    for statement in body:
        inner = getattr(statement, "body", None)
        if inner and inner[0].lineno > statement.lineno:
            text = lines[first_line(inner[0], lines) - 1]
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
    for region in reversed(Regions(tree, lines).of(edits)):
        inside = [edit for edit in edits if region.start <= edit.span[0] <= region.end]
        lines[region.start - 1 : region.end] = [_rewritten(region, lines, inside, style)]
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
            return parse_module(text)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise SourceError("MA001", f"cannot be parsed: {error}") from None


# --- rewriting one -----------------------------------------------------------------------------


def _rewritten(region: Region, lines: Sequence[str], edits: Sequence[AnyEdit], style: Style) -> str:
    """The text of `region` with `edits` made.

    It is parsed between stand-ins for what is around it: an `if` for the block that it is in,
    `pass` for the statements before and after, and for the body of a head.
    """
    newline = _line_end(lines[0])
    stand_in = f"{region.indent}pass{newline}"
    before = [f"if True:{newline}"] if region.indent else []
    after = [] if region.last else [stand_in]
    if not region.first:
        before.append(stand_in)
    if region.head:
        after = [f"{region.indent}{style.unit}pass{newline}"]
    text = "".join([*before, *lines[region.start - 1 : region.end], *after])
    offset = len(before) - (region.start - 1)
    moved = [_moved(edit, offset) for edit in edits]
    result = split_lines(_executed(text, moved, style))
    return "".join(result[len(before) : len(result) - len(after)])


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
