"""Add and remove decorators of functions and classes."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import libcst as cst

from migrate_async.errors import InternalError
from migrate_async.model.plan import AddDecorator, KeepBoth
from migrate_async.rewrite.fragments import parse_expression

Decorated = cst.FunctionDef | cst.ClassDef


def add_decorator(edit: AddDecorator, node: Decorated, gone: int = 0) -> Decorated:
    """`node` with one more decorator; `gone` of those that stay above it have been removed."""
    new = cst.Decorator(parse_expression(edit.code))
    others = node.decorators
    place = len(others) if edit.inner else max(edit.below - gone, 0)
    return node.with_changes(decorators=[*others[:place], new, *others[place:]])


def kept_both(
    edit: KeepBoth, original: cst.CSTNode, updated: cst.CSTNode
) -> list[cst.BaseStatement]:
    """`original` with the decorator nearest to its `def`, and `updated` under another name."""
    if not isinstance(original, cst.FunctionDef) or not isinstance(updated, cst.FunctionDef):
        raise InternalError("only a function can stay beside its twin")
    mark = cst.Decorator(parse_expression(edit.code), leading_lines=original.lines_after_decorators)
    if not original.decorators:
        mark = mark.with_changes(leading_lines=())
    old = original.with_changes(decorators=[*original.decorators, mark], lines_after_decorators=())
    blank = [cst.EmptyLine(indent=False) for _ in range(edit.apart)]
    new = updated.with_changes(name=cst.Name(edit.name), leading_lines=blank)
    return [old, new]


def remove_decorators(
    node: Decorated, original: Sequence[cst.Decorator], doomed: Collection[cst.CSTNode]
) -> Decorated:
    """`node` without the decorators that were `doomed` in `original`; comments above them stay."""
    kept: list[cst.Decorator] = []
    above: list[cst.EmptyLine] = []
    for before, now in zip(original, node.decorators, strict=True):
        lines = [*above, *now.leading_lines]
        if before in doomed:
            above = [line for line in lines if line.comment]
        else:
            kept.append(now.with_changes(leading_lines=lines))
            above = []
    after = [*above, *node.lines_after_decorators]
    return node.with_changes(decorators=kept, lines_after_decorators=after)
