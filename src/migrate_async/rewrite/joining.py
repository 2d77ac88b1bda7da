"""Join the lines of an expression that only its length had broken, the way a formatter would.

A bracket that is opened at the end of a line and closed at the start of another, without a comma
before it, is a formatter's work: nobody asked for the line breaks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import libcst as cst

from migrate_async.rewrite.lines import breaks_line, has_breaks

_NONE = cst.SimpleWhitespace("")


def joined(node: cst.BaseSmallStatement) -> cst.BaseSmallStatement | None:
    """`node` on one line; None if it has line breaks or comments that somebody wants."""
    changed = node.visit(_Joiner())
    if isinstance(changed, cst.BaseSmallStatement) and not has_breaks(changed):
        return changed
    return None


class _Joiner(cst.CSTTransformer):
    def on_leave(  # type: ignore[override]
        self, original_node: cst.CSTNode, updated_node: cst.CSTNode
    ) -> cst.CSTNode:
        join = _JOINS.get(type(original_node))
        return updated_node if join is None else join(updated_node)


def _call(node: cst.Call) -> cst.Call:
    if not node.args or not _is_plain_break(node.whitespace_before_args):
        return node
    last = node.args[-1]
    if isinstance(last.comma, cst.Comma) or not _is_plain_break(last.whitespace_after_arg):
        return node
    args = [*node.args[:-1], last.with_changes(whitespace_after_arg=_NONE)]
    return node.with_changes(args=args, whitespace_before_args=_NONE)


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


_JOINS: dict[type[cst.CSTNode], Callable[[Any], cst.CSTNode]] = {
    cst.Call: _call,
    cst.Await: _await,
    cst.ListComp: _list,
}


def _is_plain_break(space: object) -> bool:
    return breaks_line(space) and not (
        isinstance(space, cst.ParenthesizedWhitespace)
        and (space.first_line.comment or space.empty_lines)
    )
