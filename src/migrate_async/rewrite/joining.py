"""Join the lines of an expression that only its length had broken, the way a formatter would.

A bracket that is opened at the end of a line and closed at the start of another, without a comma
before it, is a formatter's work: nobody asked for the line breaks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import libcst as cst

from migrate_async.rewrite.lines import breaks_line, delegates, has_breaks

_NONE = cst.SimpleWhitespace("")


_Node = TypeVar("_Node", cst.BaseSmallStatement, cst.BaseExpression)


def joined(node: _Node, *, commas: bool = False) -> _Node | None:
    """`node` on one line; None if it has line breaks or comments that somebody wants.

    With `commas` those are joined, too, that end with a comma, one argument on each line.
    """
    changed = node.visit(_Joiner(_JOINS | {cst.Call: _listed} if commas else _JOINS))
    if isinstance(changed, cst.CSTNode) and not has_breaks(changed):
        return changed
    return None


_Join = Callable[[Any], cst.CSTNode]


class _Joiner(cst.CSTTransformer):
    def __init__(self, joins: Mapping[type[cst.CSTNode], _Join]) -> None:
        super().__init__()
        self._joins = joins

    def on_leave(  # type: ignore[override]
        self, original_node: cst.CSTNode, updated_node: cst.CSTNode
    ) -> cst.CSTNode:
        join = self._joins.get(type(original_node))
        return updated_node if join is None else join(updated_node)


def _call(node: cst.Call) -> cst.Call:
    if not node.args or not _is_plain_break(node.whitespace_before_args):
        return node
    last = node.args[-1]
    if isinstance(last.comma, cst.Comma) or not _is_plain_break(last.whitespace_after_arg):
        return node
    args = [*node.args[:-1], last.with_changes(whitespace_after_arg=_NONE)]
    return node.with_changes(args=args, whitespace_before_args=_NONE)


def _listed(node: cst.Call) -> cst.Call:
    """A call that has each argument on a line of its own, or is broken otherwise."""
    if not node.args or not _is_plain_break(node.whitespace_before_args):
        return _call(node)
    if not all(map(_ends_line, node.args[:-1])) or not _closes(node):
        return _call(node)
    space = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    args = [arg.with_changes(comma=space) for arg in node.args]
    args[-1] = args[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT, whitespace_after_arg=_NONE)
    return node.with_changes(args=args, whitespace_before_args=_NONE)


def _ends_line(arg: cst.Arg) -> bool:
    """Whether `arg` ends with a comma and its line."""
    return isinstance(arg.comma, cst.Comma) and _is_plain_break(arg.comma.whitespace_after)


def _closes(node: cst.Call) -> bool:
    """Whether the last argument ends as it does on a line of its own."""
    last = node.args[-1]
    if isinstance(last.comma, cst.Comma) or not delegates(node):
        return _ends_line(last)
    return _is_plain_break(last.whitespace_after_arg)


def _await(node: cst.Await) -> cst.Await:
    if not node.lpar:
        return node
    left, right = node.lpar[0], node.rpar[-1]
    if not (_is_plain_break(left.whitespace_after) and _is_plain_break(right.whitespace_before)):
        return node
    return node.with_changes(
        lpar=[left.with_changes(whitespace_after=_NONE), *node.lpar[1:]],
        rpar=[*node.rpar[:-1], right.with_changes(whitespace_before=_NONE)],
    )


def _list(node: cst.ListComp) -> cst.ListComp:
    left, right = node.lbracket, node.rbracket
    if not (_is_plain_break(left.whitespace_after) and _is_plain_break(right.whitespace_before)):
        return node
    return node.with_changes(
        lbracket=left.with_changes(whitespace_after=_NONE),
        rbracket=right.with_changes(whitespace_before=_NONE),
    )


_JOINS: dict[type[cst.CSTNode], _Join] = {
    cst.Call: _call,
    cst.Await: _await,
    cst.ListComp: _list,
}


def _is_plain_break(space: object) -> bool:
    return breaks_line(space) and not (
        isinstance(space, cst.ParenthesizedWhitespace)
        and (space.first_line.comment or space.empty_lines)
    )
