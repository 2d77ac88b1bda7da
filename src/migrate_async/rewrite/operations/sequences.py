"""Insert into and remove from comma-separated lists, keeping their layout and comments.

Parameters and arguments are alike here: nodes with a `comma` and white space after the last one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import libcst as cst

from migrate_async.rewrite.lines import Whitespace, breaks_line, indent_after, line_break

Item = TypeVar("Item", cst.Arg, cst.Param | cst.ParamStar | cst.ParamSlash)
_NONE = cst.SimpleWhitespace("")


def insert(items: Sequence[Item], index: int, new: Item, opening: Whitespace) -> list[Item]:
    """`items` with `new` before the one at `index`; `opening` is the space after the bracket."""
    separator = _separator(items, opening)
    result: list[Item] = list(items)
    if index < len(result):
        result.insert(index, with_comma(new, separator))
        return result
    if result:
        last = result[-1]
        separator, closing = _divided(space_after(last), separator)
        new = closed(new, closing, trailing=isinstance(last.comma, cst.Comma))
        result[-1] = with_comma(last, separator)
    elif breaks_line(opening):
        new = closed(new, line_break(""), trailing=True)
    result.append(new)
    return result


def remove(items: Sequence[Item], index: int) -> list[Item]:
    """`items` without the one at `index`."""
    result: list[Item] = list(items)
    gone = result.pop(index)
    if result and index == len(result):
        trailing = isinstance(gone.comma, cst.Comma)
        result[-1] = closed(result[-1], space_after(gone), trailing=trailing)
    return result


def _separator(items: Sequence[Item], opening: Whitespace) -> Whitespace:
    """The space after a comma in this list: a line break if the items stand on own lines."""
    for item in items[:-1]:
        space = item.comma.whitespace_after if isinstance(item.comma, cst.Comma) else None
        indent = indent_after(space)
        if indent is not None:
            return line_break(indent)
    if len(items) < 2 and breaks_line(opening) and _ends_line(items):
        return line_break(indent_after(opening) or "")
    return cst.SimpleWhitespace(" ")


def _ends_line(items: Sequence[Item]) -> bool:
    """Whether the last item has its lines for itself: it ends in a comma, or takes several."""
    if not items or isinstance(items[-1].comma, cst.Comma):
        return True
    return "\n" in cst.Module([]).code_for_node(items[-1]).strip()


def space_after(item: Item) -> Whitespace:
    """What stands between the item, its comma included, and what follows it."""
    if isinstance(item.comma, cst.Comma):
        return item.comma.whitespace_after
    if isinstance(item, cst.Arg):
        return item.whitespace_after_arg
    if isinstance(item, cst.ParamSlash):
        return item.whitespace_after
    return item.whitespace_after_param


def with_comma(item: Item, space: Whitespace) -> Item:
    """`item`, a comma and `space`."""
    return _followed_by(item, _NONE).with_changes(comma=cst.Comma(whitespace_after=space))


def closed(item: Item, space: Whitespace, *, trailing: bool) -> Item:
    """`item` as the last one, followed by `space`, with or without a trailing comma."""
    if trailing:
        return with_comma(item, space)
    return _followed_by(item.with_changes(comma=cst.MaybeSentinel.DEFAULT), space)


def _followed_by(item: Item, space: Whitespace) -> Item:
    """`item` with `space` directly behind it, before any comma."""
    if isinstance(item, cst.Arg):
        return item.with_changes(whitespace_after_arg=space)
    if isinstance(item, cst.Param):
        return item.with_changes(whitespace_after_param=space)
    if isinstance(item, cst.ParamSlash):
        return item.with_changes(whitespace_after=space)
    return item


def _divided(closing: Whitespace, separator: Whitespace) -> tuple[Whitespace, Whitespace]:
    """`separator` and `closing`, with the comment of the line that ended the list on the first."""
    if not isinstance(closing, cst.ParenthesizedWhitespace) or not closing.first_line.comment:
        return separator, closing
    if not isinstance(separator, cst.ParenthesizedWhitespace):
        return separator, closing
    plain = closing.with_changes(first_line=cst.TrailingWhitespace())
    return separator.with_changes(first_line=closing.first_line), plain
