"""Edits of the statements of one block, all at once: they share blank lines and comments."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import libcst as cst

from migrate_async.errors import InternalError
from migrate_async.model.plan import (
    ChangeBlock,
    CopyAssignment,
    CopyFunction,
    CopyStatement,
    DropFinally,
    Edit,
    InsertStatements,
    KeepBoth,
    NestWith,
    ReplaceStatement,
    UnwrapBlock,
    WrapStatements,
)
from migrate_async.rewrite import remarks
from migrate_async.rewrite.finish import Finisher
from migrate_async.rewrite.fragments import leading_lines, parse_statements
from migrate_async.rewrite.lines import Style
from migrate_async.rewrite.operations.compounds import (
    empty_block,
    footer,
    nested,
    unwrapped,
    with_header,
)
from migrate_async.rewrite.operations.copying import copied, copied_function, copied_statement
from migrate_async.rewrite.operations.decorators import kept_both
from migrate_async.rewrite.operations.simple import assigned, assignment, split_line
from migrate_async.rewrite.operations.spacing import (
    Lines,
    Statement,
    directly_above,
    is_definition,
    merged,
    padded,
    set_apart,
    split_blank,
    under,
    with_lines,
    without_blank_start,
)
from migrate_async.rewrite.place import Hoisted


@dataclasses.dataclass
class Entry:
    """What one original statement (of a line, if a line holds several) became.

    `lines` are the comments and blank lines that a removed statement leaves behind, `below` the
    comments that were at the end of an unwrapped block. `apart`: a definition was inserted at its
    end, so that the next statement stands apart from it. `last` is the last of the original
    statements that were put into a block together with this one.
    """

    original: cst.CSTNode
    nodes: list[Statement]
    lines: Lines = dataclasses.field(default_factory=list)
    below: Lines = dataclasses.field(default_factory=list)
    apart: bool = False
    last: cst.CSTNode | None = None

    def ends_with(self, original: cst.CSTNode) -> bool:
        """Whether `original` is the last statement that is in this one."""
        return original is (self.original if self.last is None else self.last)

    def replace(self, nodes: Sequence[Statement]) -> None:
        """Take `nodes` instead; what stands above the first one stays above."""
        above = self._lines_above()
        if nodes:
            first = nodes[0]
            self.nodes = [under(above, first), *nodes[1:]]
            self.lines = []
        else:
            self.nodes, self.lines = [], [*above, *self._beside()]

    def _beside(self) -> Lines:
        return remarks.beside(self.nodes[-1]) if self.nodes else []

    def _lines_above(self) -> Lines:
        return leading_lines(self.nodes[0]) if self.nodes else self.lines


@dataclasses.dataclass(frozen=True)
class Block:
    """The edited body of a block, and the comments that have no statement below them."""

    body: list[Statement]
    left: Lines


@dataclasses.dataclass(frozen=True)
class BlockEditor:
    """Assembles the new body of a block.

    `edits` and `hoisted` are keyed by the original statements, small or compound; `ends` holds the
    original statement that each `WrapStatements` ends at.
    """

    edits: Mapping[cst.CSTNode, Sequence[Edit]]
    hoisted: Mapping[cst.CSTNode, Sequence[Hoisted]]
    ends: Mapping[Edit, cst.CSTNode]
    style: Style

    def touches(self, statement: cst.CSTNode) -> bool:
        """Is there an edit of `statement` or, if it is a line, of one of those on it?"""
        small = statement.body if isinstance(statement, cst.SimpleStatementLine) else ()
        return any(node in self.edits or node in self.hoisted for node in (statement, *small))

    def edit(
        self, original: Sequence[Statement], updated: Sequence[Statement], indent: str
    ) -> Block:
        """The body `updated`, edited; `original` holds the same statements before the edits.

        `indent` is the indentation of the block.
        """
        entries: list[Entry] = []
        for before, after in zip(original, updated, strict=True):
            entries += self._entries(before, after)
        for entry in entries:
            self._hoist(entry)
            for edit in sorted(self.edits.get(entry.original, ()), key=_is_below_nothing):
                if isinstance(edit, CopyAssignment):
                    entry.nodes = [*entry.nodes, self._copy(edit, entry.original, indent)]
                else:
                    self._apply(edit, entry, is_docstring=_is_docstring(entry, entries))
        for wrap in _innermost_first(self.edits, entries, self.ends):
            entries = self._wrapped(wrap, entries)
        return _flattened(entries)

    def _entries(self, original: Statement, updated: Statement) -> list[Entry]:
        if not isinstance(original, cst.SimpleStatementLine):
            return [Entry(original, [updated])]
        line = cst.ensure_type(updated, cst.SimpleStatementLine)
        if len(original.body) == 1:
            return [Entry(original.body[0], [line])]
        if not self.touches(original):
            return [Entry(original, [line])]
        split = split_line(line)
        return [Entry(node, [part]) for node, part in zip(original.body, split, strict=True)]

    def _hoist(self, entry: Entry) -> None:
        lines = [assignment(name, value) for name, value in self.hoisted.get(entry.original, ())]
        if lines:
            statement = entry.nodes[0]
            below = statement.with_changes(leading_lines=())
            entry.nodes = [under(leading_lines(statement), lines[0]), *lines[1:], below]

    def _apply(self, edit: Edit, entry: Entry, *, is_docstring: bool) -> None:
        if isinstance(edit, ReplaceStatement):
            new = parse_statements(edit.code, self.style.unit)
            entry.replace(_keeping_comment(new, entry))
            if (
                entry.nodes
                and is_definition(new[-1])
                and not isinstance(entry.original, cst.FunctionDef | cst.ClassDef)
            ):
                entry.nodes[0] = padded(entry.nodes[0])
                entry.apart = True
        elif isinstance(edit, CopyFunction | CopyStatement | KeepBoth):
            entry.nodes = _twinned(edit, entry)
        elif isinstance(edit, InsertStatements):
            self._insert(edit, entry, is_docstring)
        elif isinstance(edit, UnwrapBlock):
            self._unwrap(entry)
        elif isinstance(edit, DropFinally):
            self._drop_finally(entry)
        elif isinstance(edit, NestWith):
            entry.nodes[-1] = nested(cst.ensure_type(entry.nodes[-1], cst.With), edit.kinds)
        elif isinstance(edit, ChangeBlock):
            entry.replace([with_header(entry.nodes[-1], edit.header)])
        elif not isinstance(edit, WrapStatements):
            raise InternalError(f"{type(edit).__name__} is not an edit of a statement")

    def _copy(
        self, edit: CopyAssignment, original: cst.CSTNode, indent: str
    ) -> cst.SimpleStatementLine:
        """The copy on lines of its own, broken where its names are too long for one."""
        copy = assignment(edit.name, copied(edit, original))
        finisher = Finisher(_on_a_line(original), "", indent, self.style)
        return cst.ensure_type(finisher.statement(copy, ()), cst.SimpleStatementLine)

    def _insert(self, edit: InsertStatements, entry: Entry, is_docstring: bool) -> None:
        new = parse_statements(edit.code, self.style.unit)
        if edit.below_hoisted:
            entry.nodes = [*entry.nodes[:-1], *directly_above(new, entry.nodes[-1])]
        elif edit.after or is_docstring:
            entry.nodes = [*entry.nodes, *set_apart(new)]
            entry.apart = bool(new) and is_definition(new[-1])
        else:
            _insert_before(entry, new)

    def _unwrap(self, entry: Entry) -> None:
        entry.below = footer(entry.nodes[-1])
        entry.replace(unwrapped(entry.nodes[-1]))

    def _drop_finally(self, entry: Entry) -> None:
        statement = entry.nodes[-1]
        if not isinstance(statement, cst.Try | cst.TryStar):
            raise InternalError(f"{type(statement).__name__} has no `finally`")
        if statement.handlers:
            entry.nodes[-1] = statement.with_changes(finalbody=None)
        else:
            self._unwrap(entry)

    def _wrapped(self, wrap: WrapStatements, entries: list[Entry]) -> list[Entry]:
        start = next(i for i, e in enumerate(entries) if wrap in self.edits.get(e.original, ()))
        last = self.ends[wrap]
        end = next(i for i, e in enumerate(entries) if e.ends_with(last)) + 1
        inside = _flattened(entries[start:end])
        if not inside.body:
            raise InternalError("nothing is left to put into a block")
        block = _enclosed(wrap, inside, self.style.unit)
        if isinstance(block, cst.FunctionDef) and start and not block.leading_lines:
            block = block.with_changes(leading_lines=[cst.EmptyLine(indent=False)])
        below = parse_statements(wrap.below, self.style.unit)
        return [
            *entries[:start],
            Entry(entries[start].original, [block, *below], last=last),
            *entries[end:],
        ]


def _enclosed(wrap: WrapStatements, inside: Block, indent: str) -> cst.BaseCompoundStatement:
    """The block of `wrap`, with the statements that are `inside`."""
    first, *rest = inside.body
    if wrap.enters:
        lines = [*leading_lines(first), *remarks.beside(first)]
        body = [with_lines(item, without_blank_start(leading_lines(item))) for item in rest[:1]]
        body += rest[1:]
        header = wrap.header.replace("{}", assigned(first), 1)
    else:
        lines, own = split_blank(leading_lines(first))
        body = [with_lines(first, own), *rest]
        header = wrap.header
    block = cst.IndentedBlock(body, indent=indent, footer=inside.left)
    return empty_block(header).with_changes(body=block, leading_lines=lines)


def _on_a_line(statement: cst.CSTNode) -> cst.CSTNode:
    if isinstance(statement, cst.BaseSmallStatement):
        return cst.SimpleStatementLine([statement])
    return statement


def _twinned(edit: CopyFunction | CopyStatement | KeepBoth, entry: Entry) -> list[Statement]:
    if isinstance(edit, CopyFunction):
        return [*entry.nodes, copied_function(edit, entry.original)]
    if isinstance(edit, KeepBoth):
        return [*kept_both(edit, entry.original, entry.nodes[-1])]
    return [*entry.nodes, copied_statement(edit, entry.original)]


def _innermost_first(
    edits: Mapping[cst.CSTNode, Sequence[Edit]],
    entries: Sequence[Entry],
    ends: Mapping[Edit, cst.CSTNode],
) -> list[WrapStatements]:
    found = [
        (_index(entries, ends[edit]) - i, edit)
        for i, entry in enumerate(entries)
        for edit in edits.get(entry.original, ())
        if isinstance(edit, WrapStatements)
    ]
    return [edit for _, edit in sorted(found, key=lambda pair: pair[0])]


def _index(entries: Sequence[Entry], original: cst.CSTNode) -> int:
    return next(i for i, entry in enumerate(entries) if entry.original is original)


def _is_docstring(entry: Entry, entries: Sequence[Entry]) -> bool:
    node = entry.original
    return (
        entry is entries[0]
        and isinstance(node, cst.Expr)
        and isinstance(node.value, cst.SimpleString | cst.ConcatenatedString)
    )


def _keeping_comment(new: list[Statement], entry: Entry) -> list[Statement]:
    """`new`, the last statement with the comment at the end of the line that it replaces."""
    old = entry.nodes[-1] if entry.nodes else None
    if not new or not isinstance(old, cst.SimpleStatementLine):
        return new
    last = new[-1]
    if isinstance(last, cst.SimpleStatementLine) and not last.trailing_whitespace.comment:
        new[-1] = last.with_changes(trailing_whitespace=old.trailing_whitespace)
    elif isinstance(last, cst.With) and isinstance(last.body, cst.IndentedBlock):
        body = last.body.with_changes(header=old.trailing_whitespace)
        new[-1] = last.with_changes(body=body)
    return new


def _insert_before(entry: Entry, new: list[Statement]) -> None:
    """Blank lines go above what is inserted, comments stay with the statement."""
    if not new:
        return
    if not entry.nodes:
        entry.nodes = new
        return
    statement = entry.nodes[0]
    above, below = split_blank(leading_lines(statement))
    first, *others = set_apart([under(above, new[0]), *new[1:]])
    kept = with_lines(statement, below)
    if is_definition(new[-1]):
        kept = padded(kept)
    entry.nodes = [first, *others, kept, *entry.nodes[1:]]


def _is_below_nothing(edit: Edit) -> bool:
    """Sorts first what goes directly above a statement, while the statement is still the last."""
    return not (isinstance(edit, InsertStatements) and edit.below_hoisted)


def _flattened(entries: Sequence[Entry]) -> Block:
    """All statements in order; what stood above a removed one goes above the next one."""
    body: list[Statement] = []
    carried: Lines = []
    removed = apart = False
    for entry in entries:
        if not entry.nodes:
            carried = merged(carried, entry.lines) if removed else [*carried, *entry.lines]
            removed = True
            continue
        first, *rest = entry.nodes
        if removed:
            lines = merged(carried, leading_lines(first))
            first = with_lines(first, lines if body else without_blank_start(lines))
        elif carried:
            first = under(carried, first)
        if apart:
            first = padded(first)
        body += [first, *rest]
        carried, removed, apart = entry.below, False, entry.apart
    return Block(body, [line for line in carried if line.comment])
