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
from migrate_async.rewrite.fragments import leading_lines, parse_expression, parse_statements
from migrate_async.rewrite.lines import Style
from migrate_async.rewrite.operations.copying import copied, copied_function, copied_statement
from migrate_async.rewrite.operations.decorators import kept_both
from migrate_async.rewrite.place import Hoisted

_DEFINITION_GAP = 2

Statement = cst.BaseStatement
Lines = list[cst.EmptyLine]


@dataclasses.dataclass
class Entry:
    """What one original statement (of a line, if a line holds several) became.

    `lines` are the comments and blank lines that a removed statement leaves behind, `below` the
    comments that were at the end of an unwrapped block. `apart`: a definition was inserted at its
    end, so that the next statement stands apart from it.
    """

    original: cst.CSTNode
    nodes: list[Statement]
    lines: Lines = dataclasses.field(default_factory=list)
    below: Lines = dataclasses.field(default_factory=list)
    apart: bool = False

    def replace(self, nodes: Sequence[Statement]) -> None:
        """Take `nodes` instead; what stands above the first one stays above."""
        above = self._lines_above()
        if nodes:
            first = nodes[0]
            self.nodes = [_under(above, first), *nodes[1:]]
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
            entry.nodes = [_under(leading_lines(statement), lines[0]), *lines[1:], below]

    def _apply(self, edit: Edit, entry: Entry, *, is_docstring: bool) -> None:
        if isinstance(edit, ReplaceStatement):
            new = parse_statements(edit.code, self.style.unit)
            entry.replace(_keeping_comment(new, entry))
            if (
                entry.nodes
                and _is_definition(new[-1])
                and not isinstance(entry.original, cst.FunctionDef | cst.ClassDef)
            ):
                entry.nodes[0] = _padded(entry.nodes[0])
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
            entry.nodes[-1] = _nested(cst.ensure_type(entry.nodes[-1], cst.With), edit.kinds)
        elif isinstance(edit, ChangeBlock):
            entry.replace([_with_header(entry.nodes[-1], edit.header)])
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
            entry.nodes = [*entry.nodes[:-1], *_above(new, entry.nodes[-1])]
        elif edit.after or is_docstring:
            entry.nodes = [*entry.nodes, *_set_apart(new)]
            entry.apart = bool(new) and _is_definition(new[-1])
        else:
            _insert_before(entry, new)

    def _unwrap(self, entry: Entry) -> None:
        entry.below = _footer(entry.nodes[-1])
        entry.replace(_unwrapped(entry.nodes[-1]))

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
        end = next(i for i, e in enumerate(entries) if e.original is self.ends[wrap]) + 1
        inside = _flattened(entries[start:end])
        if not inside.body:
            raise InternalError("nothing is left to put into a block")
        first, *rest = inside.body
        if wrap.enters:
            above = [*leading_lines(first), *remarks.beside(first)]
            body = [
                _with_lines(item, _without_blank_start(leading_lines(item))) for item in rest[:1]
            ]
            body += rest[1:]
            compound = _compound(wrap.header.replace("{}", _assigned(first), 1))
        else:
            above, below = _split_blank(leading_lines(first))
            body = [_with_lines(first, below), *rest]
            compound = _compound(wrap.header)
        block = cst.IndentedBlock(body, indent=self.style.unit, footer=inside.left)
        if not above and start and isinstance(compound, cst.FunctionDef):
            above = [cst.EmptyLine(indent=False)]
        compound = compound.with_changes(body=block, leading_lines=above)
        return [
            *entries[:start],
            Entry(
                entries[start].original, [compound, *parse_statements(wrap.below, self.style.unit)]
            ),
            *entries[end:],
        ]


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


def split_line(line: cst.SimpleStatementLine) -> list[cst.SimpleStatementLine]:
    """One line for each statement of `a; b`; the comment at the end stays at the end."""
    last = len(line.body) - 1
    return [
        line.with_changes(
            body=[small.with_changes(semicolon=cst.MaybeSentinel.DEFAULT)],
            leading_lines=line.leading_lines if i == 0 else (),
            trailing_whitespace=line.trailing_whitespace if i == last else cst.TrailingWhitespace(),
        )
        for i, small in enumerate(line.body)
    ]


def assignment(name: str, value: cst.BaseExpression) -> cst.SimpleStatementLine:
    """The line `name = value`; `name` may be several, with commas."""
    names = parse_expression(name)
    if not isinstance(names, cst.Name | cst.Tuple):
        raise InternalError(f"{name} is no target of an assignment")
    target = cst.AssignTarget(names)
    return cst.SimpleStatementLine([cst.Assign([target], value)])


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
    """`new`, the last line with the comment at the end of the line that it replaces."""
    old = entry.nodes[-1] if entry.nodes else None
    if not new or not isinstance(old, cst.SimpleStatementLine):
        return new
    last = new[-1]
    if isinstance(last, cst.SimpleStatementLine) and not last.trailing_whitespace.comment:
        new[-1] = last.with_changes(trailing_whitespace=old.trailing_whitespace)
    return new


def _insert_before(entry: Entry, new: list[Statement]) -> None:
    """Blank lines go above what is inserted, comments stay with the statement."""
    if not new:
        return
    if not entry.nodes:
        entry.nodes = new
        return
    statement = entry.nodes[0]
    above, below = _split_blank(leading_lines(statement))
    first, *others = _set_apart([_under(above, new[0]), *new[1:]])
    kept = _with_lines(statement, below)
    if _is_definition(new[-1]):
        kept = _padded(kept)
    entry.nodes = [first, *others, kept, *entry.nodes[1:]]


def _above(new: list[Statement], statement: Statement) -> list[Statement]:
    """`new` directly above `statement`, below its blank lines."""
    above, below = _split_blank(leading_lines(statement))
    return [_under(above, new[0]), *new[1:], _with_lines(statement, below)]


def _is_below_nothing(edit: Edit) -> bool:
    """Sorts first what goes directly above a statement, while the statement is still the last."""
    return not (isinstance(edit, InsertStatements) and edit.below_hoisted)


def _is_definition(statement: Statement) -> bool:
    return isinstance(statement, cst.FunctionDef | cst.ClassDef)


def _set_apart(new: list[Statement]) -> list[Statement]:
    """`new` with two blank lines above each definition (plans insert them at the top level)."""
    return [_padded(item) if _is_definition(item) else item for item in new]


def _padded(statement: Statement) -> Statement:
    lines = leading_lines(statement)
    blank = len(lines) - len(_without_blank_start(lines))
    padding = [cst.EmptyLine(indent=False) for _ in range(_DEFINITION_GAP - blank)]
    return _with_lines(statement, [*padding, *lines])


def _unwrapped(statement: Statement) -> list[Statement]:
    """The statements in the block of `statement`; a comment in its head goes above them."""
    body = getattr(statement, "body", None)
    if isinstance(body, cst.SimpleStatementSuite):
        line = cst.SimpleStatementLine(body.body, trailing_whitespace=body.trailing_whitespace)
        return [line]
    if not isinstance(body, cst.IndentedBlock):
        raise InternalError(f"{type(statement).__name__} has no block to unwrap")
    first, *rest = body.body
    head = [cst.EmptyLine(comment=body.header.comment)] if body.header.comment else []
    lines = [*head, *_without_blank_start(leading_lines(first))]
    return [_with_lines(first, lines), *rest]


def _nested(statement: cst.With, kinds: Sequence[bool]) -> cst.With:
    """One `with` for each run of items of one kind, each in the block of the one before."""
    runs: list[tuple[bool, list[cst.WithItem]]] = []
    for is_async, item in zip(kinds, statement.items, strict=True):
        if not runs or runs[-1][0] is not is_async:
            runs.append((is_async, []))
        runs[-1][1].append(item)
    body: cst.BaseSuite = statement.body
    for is_async, items in reversed(runs):
        last = items[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
        asynchronous = cst.Asynchronous() if is_async else None
        inner = cst.With([*items[:-1], last], body, asynchronous=asynchronous)
        body = cst.IndentedBlock([inner])
    return inner.with_changes(leading_lines=statement.leading_lines)


def _footer(statement: Statement) -> Lines:
    """The comments after the last statement in the block of `statement`."""
    body = getattr(statement, "body", None)
    return list(body.footer) if isinstance(body, cst.IndentedBlock) else []


def _with_header(statement: Statement, header: str) -> Statement:
    """A compound statement with the head `header` and the body of `statement`."""
    body = getattr(statement, "body", None)
    if not isinstance(body, cst.BaseSuite):
        raise InternalError(f"{type(statement).__name__} has no body to put under a new head")
    return _compound(header).with_changes(body=body)


def _assigned(statement: Statement) -> str:
    """The source of what `statement` assigns."""
    match statement:
        case cst.SimpleStatementLine(body=[cst.Assign(value=value)]):
            return cst.Module([]).code_for_node(value)
    raise InternalError(f"{type(statement).__name__} is no assignment")


def _compound(header: str) -> cst.BaseCompoundStatement:
    (statement,) = parse_statements(f"{header} pass", "    ")
    if not isinstance(statement, cst.BaseCompoundStatement):
        raise InternalError(f"the plan holds an invalid block head: {header!r}")
    return statement


# --- comments and blank lines ------------------------------------------------------------------


def _under(lines: Lines, statement: Statement) -> Statement:
    """`statement` with `lines` above its own."""
    return _with_lines(statement, [*lines, *leading_lines(statement)])


def _with_lines(statement: Statement, lines: Lines) -> Statement:
    return statement.with_changes(leading_lines=lines)


def _split_blank(lines: Lines) -> tuple[Lines, Lines]:
    """`lines` up to the last blank one, and the comments directly above the statement."""
    cut = max((i + 1 for i, line in enumerate(lines) if not line.comment), default=0)
    return lines[:cut], lines[cut:]


def _without_blank_start(lines: Lines) -> Lines:
    start = next((i for i, line in enumerate(lines) if line.comment), len(lines))
    return lines[start:]


def _merged(first: Lines, second: Lines) -> Lines:
    """Both, where the blank lines that come together count once."""
    end = len(first)
    while end and not first[end - 1].comment:
        end -= 1
    rest = _without_blank_start(second)
    blank = max(first[end:], second[: len(second) - len(rest)], key=len)
    return [*first[:end], *blank, *rest]


def _flattened(entries: Sequence[Entry]) -> Block:
    """All statements in order; what stood above a removed one goes above the next one."""
    body: list[Statement] = []
    carried: Lines = []
    removed = apart = False
    for entry in entries:
        if not entry.nodes:
            carried = _merged(carried, entry.lines) if removed else [*carried, *entry.lines]
            removed = True
            continue
        first, *rest = entry.nodes
        if removed:
            lines = _merged(carried, leading_lines(first))
            first = _with_lines(first, lines if body else _without_blank_start(lines))
        elif carried:
            first = _under(carried, first)
        if apart:
            first = _padded(first)
        body += [first, *rest]
        carried, removed, apart = entry.below, False, entry.apart
    return Block(body, [line for line in carried if line.comment])


def annotated(node: cst.Assign, annotation: str) -> cst.AnnAssign:
    """`name = value` as `name: annotation = value`.

    Raises `InternalError` when `node` assigns to several targets.
    """
    if len(node.targets) != 1:
        raise InternalError("an assignment to several names cannot be annotated")
    (target,) = node.targets
    return cst.AnnAssign(
        target=target.target,
        annotation=cst.Annotation(parse_expression(annotation)),
        value=node.value,
        equal=cst.AssignEqual(target.whitespace_before_equal, target.whitespace_after_equal),
        semicolon=node.semicolon,
    )
