"""Line breaks and indentation inside brackets.

Indentation here is relative to the block that the statement stands in, as LibCST keeps it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import TypeVar

import libcst as cst

from migrate_async.rewrite.fragments import code_of
from migrate_async.rewrite.parentheses import without_parentheses
from migrate_async.source.trees import parse_expression

_Node = TypeVar("_Node", bound=cst.CSTNode)
Whitespace = cst.BaseParenthesizableWhitespace


@dataclasses.dataclass(frozen=True)
class Style:
    """How the file is written: one level of indentation and the longest line that is fine."""

    unit: str = "    "
    limit: int = 88


def line_break(indent: str) -> cst.ParenthesizedWhitespace:
    """A new line that starts with `indent`."""
    return cst.ParenthesizedWhitespace(indent=True, last_line=cst.SimpleWhitespace(indent))


def breaks_line(whitespace: object) -> bool:
    """Does the whitespace hold a line break (in brackets or by a backslash)?"""
    if isinstance(whitespace, cst.SimpleWhitespace):
        return "\n" in whitespace.value or "\r" in whitespace.value
    return isinstance(whitespace, cst.ParenthesizedWhitespace)


def indent_after(whitespace: object) -> str | None:
    """The indentation of the line that `whitespace` begins, if it begins one."""
    if isinstance(whitespace, cst.ParenthesizedWhitespace):
        return whitespace.last_line.value
    return None


def joined(
    pieces: Iterable[object], indent: str, comments: str | None = None
) -> cst.ParenthesizedWhitespace:
    """One line break that keeps the comments of all `pieces`, then a line with `indent`.

    Comments on own lines are indented by `comments`, if given.
    """
    found = [p for p in pieces if isinstance(p, cst.ParenthesizedWhitespace)]
    if not found:
        return line_break(indent)
    lines = list(found[0].empty_lines)
    for piece in found[1:]:
        if piece.first_line.comment:
            lines.append(cst.EmptyLine(comment=piece.first_line.comment))
        lines += piece.empty_lines
    aligned = indent if comments is None else comments
    own = [_comment_line(line, aligned) for line in lines if line.comment]
    return found[0].with_changes(
        empty_lines=own, indent=True, last_line=cst.SimpleWhitespace(indent)
    )


def _comment_line(line: cst.EmptyLine, indent: str) -> cst.EmptyLine:
    return line.with_changes(indent=True, whitespace=cst.SimpleWhitespace(indent))


# --- moving ------------------------------------------------------------------------------------


def moved(node: _Node, old: str, new: str) -> _Node:
    """`node` with its continuation lines moved from the indentation `old` to `new`."""
    if old == new:
        return node
    result = node.visit(_Move(old, new))
    assert isinstance(result, type(node))  # noqa: S101 - narrows LibCST's wide return type
    return result


class _Move(cst.CSTTransformer):
    def __init__(self, old: str, new: str) -> None:
        super().__init__()
        self._old, self._new = old, new

    def on_visit(self, node: cst.CSTNode) -> bool:
        return not isinstance(node, cst.FormattedString)

    def on_leave(  # type: ignore[override]
        self,
        original_node: cst.CSTNode,  # noqa: ARG002 - LibCST's signature
        updated_node: cst.CSTNode,
    ) -> cst.CSTNode:
        if not isinstance(updated_node, cst.ParenthesizedWhitespace):
            return updated_node
        lines = [
            line.with_changes(whitespace=self._moved(line.whitespace)) if line.comment else line
            for line in updated_node.empty_lines
        ]
        last_line = self._moved(updated_node.last_line)
        return updated_node.with_changes(empty_lines=lines, last_line=last_line)

    def _moved(self, whitespace: cst.SimpleWhitespace) -> cst.SimpleWhitespace:
        text = whitespace.value
        if text.startswith(self._old):
            return cst.SimpleWhitespace(self._new + text[len(self._old) :])
        width = max(0, len(text) + len(self._new) - len(self._old))
        return cst.SimpleWhitespace((self._new + text)[:width])


class _FindBreaks(cst.CSTVisitor):
    def __init__(self) -> None:
        super().__init__()
        self.last: str | None = None
        self.found = False

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.ParenthesizedWhitespace):
            self.found, self.last = True, node.last_line.value
        elif isinstance(node, cst.SimpleWhitespace) and breaks_line(node):
            self.found = True
        return not isinstance(node, cst.FormattedString)


def has_breaks(node: cst.CSTNode) -> bool:
    """Does `node` go over several lines (a string over several lines does not count)?"""
    if "\n" not in code_of(node):  # visiting costs twice as much as writing
        return False
    finder = _FindBreaks()
    node.visit(finder)
    return finder.found


def last_indent(node: cst.CSTNode) -> str | None:
    """The indentation of the last line that begins inside `node`, if one does."""
    finder = _FindBreaks()
    node.visit(finder)
    return finder.last


def needs_brackets(expression: cst.BaseExpression) -> bool:
    """Does a line break of `expression` rely on brackets around it?"""
    if expression.lpar or not has_breaks(expression):
        return False
    try:
        parse_expression(code_of(expression))
    except SyntaxError:
        return True
    return False


def bracketed(
    expression: cst.BaseExpression, inner: str, outer: str, closing: Sequence[object] = ()
) -> cst.BaseExpression:
    """`expression` between parentheses that stand on the lines before and after it."""
    bare = without_parentheses(expression)
    return bare.with_changes(
        lpar=[cst.LeftParen(whitespace_after=line_break(inner))],
        rpar=[cst.RightParen(whitespace_before=joined(closing, outer))],
    )


# --- lists of arguments and parameters ---------------------------------------------------------


def call_on_lines(call: cst.Call, inner: str, outer: str) -> cst.Call:
    """`call` with its arguments, on one line, between line breaks."""
    if not call.args:
        return call
    args = [*call.args]
    args[-1] = args[-1].with_changes(
        comma=cst.MaybeSentinel.DEFAULT, whitespace_after_arg=line_break(outer)
    )
    return call.with_changes(whitespace_before_args=line_break(inner), args=args)


def delegates(call: cst.Call) -> bool:
    """Whether `call` is one that calls its first argument: it goes when that becomes async."""
    func = call.func
    name = func.attr if isinstance(func, cst.Attribute) else func
    return isinstance(name, cst.Name) and name.value in _DELEGATES and len(call.args) > 1


def is_listed(call: cst.Call) -> bool:
    """Whether it does, and has each argument on a line of its own, without a comma at the end."""
    if not delegates(call) or len(call.args) < 3 or isinstance(call.args[-1].comma, cst.Comma):
        return False
    spaces = [a.comma.whitespace_after for a in call.args[:-1] if isinstance(a.comma, cst.Comma)]
    return all(map(breaks_line, (*spaces, call.args[-1].whitespace_after_arg)))


_DELEGATES = frozenset({"run_in_threadpool", "run_sync"})


def one_per_line(call: cst.Call, inner: str, outer: str, *, trailing: bool = True) -> cst.Call:
    """`call` with each argument on a line of its own, with a trailing comma or without one."""
    args = [
        arg.with_changes(
            comma=cst.Comma(whitespace_after=line_break(inner)),
            whitespace_after_arg=cst.SimpleWhitespace(""),
        )
        for arg in call.args
    ]
    end = line_break(outer)
    comma = cst.Comma(whitespace_after=end) if trailing else cst.MaybeSentinel.DEFAULT
    after = cst.SimpleWhitespace("") if trailing else end
    args[-1] = args[-1].with_changes(comma=comma, whitespace_after_arg=after)
    return call.with_changes(whitespace_before_args=line_break(inner), args=args)


class _FindComments(cst.CSTVisitor):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[cst.Comment] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.Comment):
            self.found.append(node)
        return True


def comments_in(node: cst.CSTNode) -> list[cst.Comment]:
    """All comments in `node`, in order."""
    if "#" not in code_of(node):
        return []
    finder = _FindComments()
    node.visit(finder)
    return finder.found
