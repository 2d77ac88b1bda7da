"""Simple statements: one line for each, assignments that are new or annotated."""

from __future__ import annotations

import libcst as cst

from migrate_async.errors import InternalError
from migrate_async.rewrite.fragments import parse_expression


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


def assigned(statement: cst.BaseStatement) -> str:
    """The source of what `statement` assigns."""
    match statement:
        case cst.SimpleStatementLine(body=[cst.Assign(value=value)]):
            return cst.Module([]).code_for_node(value)
    raise InternalError(f"{type(statement).__name__} is no assignment")
