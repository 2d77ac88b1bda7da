"""Comments and blank lines above statements."""

from __future__ import annotations

import libcst as cst

from migrate_async.rewrite.fragments import leading_lines

Statement = cst.BaseStatement
Lines = list[cst.EmptyLine]

_DEFINITION_GAP = 2


def under(lines: Lines, statement: Statement) -> Statement:
    """`statement` with `lines` above its own."""
    return with_lines(statement, [*lines, *leading_lines(statement)])


def with_lines(statement: Statement, lines: Lines) -> Statement:
    """`statement` with `lines` in the place of its own."""
    return statement.with_changes(leading_lines=lines)


def split_blank(lines: Lines) -> tuple[Lines, Lines]:
    """`lines` up to the last blank one, and the comments directly above the statement."""
    cut = max((i + 1 for i, line in enumerate(lines) if not line.comment), default=0)
    return lines[:cut], lines[cut:]


def without_blank_start(lines: Lines) -> Lines:
    """`lines` from the first comment on."""
    start = next((i for i, line in enumerate(lines) if line.comment), len(lines))
    return lines[start:]


def merged(first: Lines, second: Lines) -> Lines:
    """Both, where the blank lines that come together count once."""
    end = len(first)
    while end and not first[end - 1].comment:
        end -= 1
    rest = without_blank_start(second)
    blank = max(first[end:], second[: len(second) - len(rest)], key=len)
    return [*first[:end], *blank, *rest]


def is_definition(statement: Statement) -> bool:
    """Whether blank lines set `statement` apart from others."""
    return isinstance(statement, cst.FunctionDef | cst.ClassDef)


def set_apart(new: list[Statement]) -> list[Statement]:
    """`new` with two blank lines above each definition (plans insert them at the top level)."""
    return [padded(item) if is_definition(item) else item for item in new]


def padded(statement: Statement) -> Statement:
    """`statement` with at least two blank lines above it."""
    lines = leading_lines(statement)
    blank = len(lines) - len(without_blank_start(lines))
    padding = [cst.EmptyLine(indent=False) for _ in range(_DEFINITION_GAP - blank)]
    return with_lines(statement, [*padding, *lines])


def directly_above(new: list[Statement], statement: Statement) -> list[Statement]:
    """`new` directly above `statement`, below its blank lines."""
    above, below = split_blank(leading_lines(statement))
    return [under(above, new[0]), *new[1:], with_lines(statement, below)]
