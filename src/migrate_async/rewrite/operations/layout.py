"""White space between the parts of a chain: line breaks and comments that must not get lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import libcst as cst

Space: TypeAlias = cst.BaseParenthesizableWhitespace


def broken(space: Space) -> Space | None:
    """The line break in `space` without its comments and blank lines; None if there is none."""
    if not isinstance(space, cst.ParenthesizedWhitespace):
        return None
    first = cst.TrailingWhitespace(newline=space.first_line.newline)
    return space.with_changes(first_line=first, empty_lines=())


def comments(space: Space | None) -> Sequence[cst.Comment]:
    """The comments in `space`, in order."""
    if not isinstance(space, cst.ParenthesizedWhitespace):
        return ()
    lines = [space.first_line.comment, *(line.comment for line in space.empty_lines)]
    return [comment for comment in lines if comment is not None]


def then(first: Space | None, second: Space) -> Space:
    """`first` and `second` as one space, with the comments of both."""
    if first is None or not comments(first):
        return second
    if not isinstance(second, cst.ParenthesizedWhitespace):
        return first
    end = {"indent": second.indent, "last_line": second.last_line}
    if not comments(second) or not isinstance(first, cst.ParenthesizedWhitespace):
        return first.with_changes(**end)
    moved = [
        cst.EmptyLine(indent=first.indent, whitespace=first.last_line, comment=comment)
        for comment in comments(second)
    ]
    return first.with_changes(empty_lines=[*first.empty_lines, *moved], **end)


def outer_space(node: cst.BaseExpression) -> tuple[Space | None, Space | None]:
    """The space just inside the innermost parentheses around `node`; None without parentheses."""
    if not node.lpar:
        return None, None
    return node.lpar[-1].whitespace_after, node.rpar[0].whitespace_before


def close(pending: Space | None, closing: Space | None) -> Space | None:
    """The space before a closing parenthesis: `closing`, and the comments of `pending`."""
    if not comments(pending):
        return closing
    return then(pending, closing) if closing is not None else pending
