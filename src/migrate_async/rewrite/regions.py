"""Which lines does an edit concern? The least that can be rewritten without the rest.

`ast` tells where statements are. The region of an edit is the innermost run of whole statements
around it or, for an edit of the head of a function, class or block, that head. Blank and comment
lines around statements belong to them, for they move or go with them.
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterable, Iterator, Sequence

from migrate_async.errors import InternalError
from migrate_async.model.plan import (
    AddDecorator,
    AddParameter,
    AnnotateReturn,
    AnyEdit,
    ChangeBlock,
    CopyAssignment,
    CopyFunction,
    CopyStatement,
    DropFinally,
    InsertStatements,
    KeepBoth,
    MakeAsync,
    MakeSync,
    ReplaceStatement,
    UnwrapBlock,
    WrapStatements,
)

_OF_STATEMENTS = (
    ChangeBlock,
    CopyAssignment,
    CopyFunction,
    CopyStatement,
    DropFinally,
    InsertStatements,
    KeepBoth,
    ReplaceStatement,
    UnwrapBlock,
    WrapStatements,
)
_OF_HEADS = (AddDecorator, AddParameter, AnnotateReturn, MakeAsync, MakeSync)
"""Edits whose span may be a whole statement of which they change the head."""

_HEADED = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.If,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.With,
    ast.AsyncWith,
)


@dataclasses.dataclass(frozen=True)
class Region:
    """The lines `start` to `end` (from 1, inclusive), of statements indented by `indent`.

    `first` and `last`: no statement of the same block stands before or after them. `head`: the
    lines are the head of a compound statement, without its body.
    """

    start: int
    end: int
    indent: str
    first: bool = True
    last: bool = True
    head: bool = False


@dataclasses.dataclass(frozen=True, eq=False)
class _Run:
    """The statements `first` to `last` (inclusive) of a block; `removes`: one of them goes."""

    block: Sequence[ast.stmt]
    first: int
    last: int
    removes: bool


def _with_removals_joined(runs: Iterable[_Run]) -> Iterator[_Run]:
    """`runs`, those that remove statements as one for each block: it may become empty."""
    removing: dict[int, _Run] = {}
    for run in runs:
        if not run.removes:
            yield run
            continue
        known = removing.get(id(run.block), run)
        first, last = min(known.first, run.first), max(known.last, run.last)
        removing[id(run.block)] = dataclasses.replace(run, first=first, last=last)
    yield from removing.values()


def _belong_together(above: Region, below: Region) -> bool:
    """Whether they overlap, or are neighbours in a block, whose blank lines may come together."""
    if above.head or below.head or above.indent != below.indent:
        return below.start <= above.end
    return below.start <= above.end + 1


class Regions:
    """The regions of a text, given as its lines."""

    def __init__(self, tree: ast.Module, lines: Sequence[str]) -> None:
        self._body = tree.body
        self._lines = lines

    def of(self, edits: Iterable[AnyEdit]) -> list[Region]:
        """The regions of `edits` from top to bottom, those that belong together as one.

        Raises `InternalError` when an edit is not in any statement.
        """
        places = [self._around(self._body, edit) for edit in edits]
        found = {place for place in places if isinstance(place, Region)}
        runs = [place for place in places if isinstance(place, _Run)]
        found.update(self._statements(run) for run in _with_removals_joined(runs))
        result: list[Region] = []
        for region in sorted(found, key=lambda region: (region.start, -region.end)):
            if not result or not _belong_together(result[-1], region):
                result.append(region)
            elif region.end > result[-1].end:
                result[-1] = dataclasses.replace(result[-1], end=region.end, last=region.last)
        return result

    def _around(self, body: Sequence[ast.stmt], edit: AnyEdit) -> Region | _Run:
        begin, end = _extent(edit)
        covered = [i for i, s in enumerate(body) if self._overlaps(s, begin, end)]
        if not covered:
            raise InternalError(f"no statement at line {begin} to edit")
        first, last = self._on_same_lines(body, covered[0], covered[-1])
        if first == last and not _is_of(edit, body[first]):
            inner = self._inside(body[first], edit, begin, end)
            if inner is not None:
                return inner
        removes = isinstance(edit, ReplaceStatement) and not edit.code
        return _Run(body, first, last, removes)

    def _inside(
        self, statement: ast.stmt, edit: AnyEdit, begin: int, end: int
    ) -> Region | _Run | None:
        """The region inside a compound statement, if the edit is in its head or one block."""
        for block in self._blocks(statement):
            if self._first_line(block[0]) <= begin and end <= _last_line(block[-1]):
                return self._around(block, edit)
        if not isinstance(statement, _HEADED) or not self._has_own_lines(statement.body):
            return None
        head_end = self._comments_above(self._first_line(statement.body[0])) - 1
        start = self._first_line(statement)
        if isinstance(edit, _OF_STATEMENTS) or not start <= begin <= end <= head_end:
            return None
        return Region(start, head_end, self._indent(start), head=True)

    def _blocks(self, statement: ast.stmt) -> Iterator[list[ast.stmt]]:
        """The blocks of a compound statement that have lines of their own."""
        if isinstance(statement, ast.If):
            blocks = list(self._branches(statement))
        else:
            parts = [*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())]
            blocks = [part.body for part in (statement, *parts) if hasattr(part, "body")]
            blocks += [getattr(statement, "orelse", []), getattr(statement, "finalbody", [])]
        return (block for block in blocks if block and self._has_own_lines(block))

    def _branches(self, statement: ast.If) -> Iterator[list[ast.stmt]]:
        yield statement.body
        other = statement.orelse
        while len(other) == 1 and isinstance(other[0], ast.If) and self._is_elif(other[0]):
            yield other[0].body
            other = other[0].orelse
        yield other

    def _is_elif(self, statement: ast.If) -> bool:
        return self._lines[statement.lineno - 1].lstrip(" \t\f").startswith("elif")

    def _has_own_lines(self, block: Sequence[ast.stmt]) -> bool:
        line = self._lines[self._first_line(block[0]) - 1]
        decorated = bool(getattr(block[0], "decorator_list", ()))
        return decorated or not line.encode()[: block[0].col_offset].strip()

    # --- lines ---------------------------------------------------------------------------------

    def _overlaps(self, statement: ast.stmt, begin: int, end: int) -> bool:
        return self._first_line(statement) <= end and begin <= _last_line(statement)

    def _on_same_lines(self, body: Sequence[ast.stmt], first: int, last: int) -> tuple[int, int]:
        """`first` and `last`, widened to the statements that share a line with them (`a; b`)."""
        while first and _last_line(body[first - 1]) == self._first_line(body[first]):
            first -= 1
        while last + 1 < len(body) and self._first_line(body[last + 1]) == _last_line(body[last]):
            last += 1
        return first, last

    def _statements(self, run: _Run) -> Region:
        """The region of whole statements, with the blank and comment lines that are theirs."""
        body, first, last = run.block, run.first, run.last
        start = self._first_line(body[first])
        indent = self._indent(start)
        if first:
            start = self._after_footer(_last_line(body[first - 1]), start - 1, indent)
        else:
            start = self._comments_above(start)
        end = _last_line(body[last])
        is_last = last + 1 == len(body)
        if is_last:
            end = self._after_footer(end, len(self._lines), indent) - 1
        else:
            end = self._first_line(body[last + 1]) - 1
        return Region(start, end, indent, first == 0, is_last)

    def _indent(self, number: int) -> str:
        line = self._lines[number - 1]
        return line[: len(line) - len(line.lstrip(" \t\f"))]

    def _comments_above(self, start: int) -> int:
        """The first of the blank and comment lines directly above line `start`, or `start`."""
        while start > 1 and self._lines[start - 2].strip()[:1] in {"", "#"}:
            start -= 1
        return start

    def _after_footer(self, last: int, end: int, indent: str) -> int:
        """The line after the comments that follow line `last` but are indented deeper."""
        start = last + 1
        for number in range(last + 1, end + 1):
            text = self._lines[number - 1].strip()
            if text and not text.startswith("#"):
                break
            if text and len(self._indent(number)) > len(indent):
                start = number + 1
        return start

    def _first_line(self, statement: ast.stmt) -> int:
        return first_line(statement, self._lines)


def first_line(statement: ast.stmt, lines: Sequence[str]) -> int:
    """The line on which `statement` begins, decorators included."""
    decorators = getattr(statement, "decorator_list", ())
    if not decorators:
        return statement.lineno
    line: int = decorators[0].lineno
    while line > 1 and not lines[line - 1].lstrip().startswith("@"):
        line -= 1
    return line


def _last_line(statement: ast.stmt) -> int:
    return statement.end_lineno or statement.lineno


def _extent(edit: AnyEdit) -> tuple[int, int]:
    """The first and the last line that the edit is about."""
    begin, _, end, _ = edit.span
    if isinstance(edit, WrapStatements):
        return begin, max(end, edit.until[2])
    return begin, begin if isinstance(edit, _OF_HEADS) else end


def _is_of(edit: AnyEdit, statement: ast.stmt) -> bool:
    """Is it an edit of the statement as a whole?"""
    return isinstance(edit, _OF_STATEMENTS) and edit.span[0] == statement.lineno
