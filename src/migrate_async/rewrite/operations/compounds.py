"""Compound statements with another head, or without one."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from migrate_async.errors import InternalError
from migrate_async.rewrite.fragments import leading_lines, parse_statements
from migrate_async.rewrite.operations.spacing import (
    Lines,
    Statement,
    with_lines,
    without_blank_start,
)


def unwrapped(statement: Statement) -> list[Statement]:
    """The statements in the block of `statement`; a comment in its head goes above them."""
    body = getattr(statement, "body", None)
    if isinstance(body, cst.SimpleStatementSuite):
        line = cst.SimpleStatementLine(body.body, trailing_whitespace=body.trailing_whitespace)
        return [line]
    if not isinstance(body, cst.IndentedBlock):
        raise InternalError(f"{type(statement).__name__} has no block to unwrap")
    first, *rest = body.body
    head = [cst.EmptyLine(comment=body.header.comment)] if body.header.comment else []
    lines = [*head, *without_blank_start(leading_lines(first))]
    return [with_lines(first, lines), *rest]


def nested(statement: cst.With, kinds: Sequence[bool]) -> cst.With:
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


def footer(statement: Statement) -> Lines:
    """The comments after the last statement in the block of `statement`."""
    body = getattr(statement, "body", None)
    return list(body.footer) if isinstance(body, cst.IndentedBlock) else []


def with_header(statement: Statement, header: str) -> Statement:
    """A compound statement with the head `header` and the body of `statement`."""
    body = getattr(statement, "body", None)
    if not isinstance(body, cst.BaseSuite):
        raise InternalError(f"{type(statement).__name__} has no body to put under a new head")
    return empty_block(header).with_changes(body=body)


def empty_block(header: str) -> cst.BaseCompoundStatement:
    """A compound statement with the head `header`, in whose block there is nothing yet."""
    (statement,) = parse_statements(f"{header} pass", "    ")
    if not isinstance(statement, cst.BaseCompoundStatement):
        raise InternalError(f"the plan holds an invalid block head: {header!r}")
    return statement
