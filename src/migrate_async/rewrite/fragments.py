"""Source text to LibCST nodes and back, for the pieces that a plan gives as text."""

from __future__ import annotations

import libcst as cst

from migrate_async.errors import InternalError
from migrate_async.rewrite.parentheses import parenthesised, precedence_asked

_EMPTY = cst.Module([])
_HOLE = "_hole_of_the_template_"


def code_of(node: cst.CSTNode) -> str:
    """The source of `node`; continuation lines are relative to the block that it stands in."""
    return _EMPTY.code_for_node(node)


def parse_expression(code: str) -> cst.BaseExpression:
    """The expression in `code`.

    Raises `InternalError` when it is not one: texts come from our own plan.
    """
    try:
        return cst.parse_expression(code.strip())
    except cst.ParserSyntaxError as error:
        raise InternalError(f"the plan holds an invalid expression: {code!r}") from error


def parse_statements(code: str, unit: str) -> list[cst.BaseStatement]:
    """The statements in `code`, comments above them included; blocks are indented by `unit`."""
    try:
        module = cst.parse_module(code if code.endswith("\n") else code + "\n")
    except cst.ParserSyntaxError as error:
        raise InternalError(f"the plan holds invalid statements: {code!r}") from error
    statements = [_indented(statement, unit) for statement in module.body]
    if statements and module.header:
        first = statements[0]
        header = [line.with_changes(indent=line.comment is not None) for line in module.header]
        leading = [*header, *leading_lines(first)]
        statements[0] = first.with_changes(leading_lines=leading)
    return statements


def leading_lines(statement: cst.BaseStatement) -> list[cst.EmptyLine]:
    """The comments and blank lines above a statement."""
    return list(getattr(statement, "leading_lines", ()))


class _ExplicitIndent(cst.CSTTransformer):
    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def on_leave(  # type: ignore[override]
        self, original_node: cst.CSTNode, updated_node: cst.CSTNode
    ) -> cst.CSTNode:
        if isinstance(original_node, cst.IndentedBlock):
            return updated_node.with_changes(indent=self._unit)
        if isinstance(original_node, cst.EmptyLine) and original_node.comment is None:
            return updated_node.with_changes(indent=False)
        return updated_node


def _indented(statement: cst.BaseStatement, unit: str) -> cst.BaseStatement:
    result = statement.visit(_ExplicitIndent(unit))
    assert isinstance(result, cst.BaseStatement)  # noqa: S101 - narrows LibCST's wide return type
    return result


# --- templates ---------------------------------------------------------------------------------


def graft(template: str, node: cst.BaseExpression, hole: str = "{}") -> cst.BaseExpression:
    """The expression `template` with `node` in the place of `hole`, in parentheses if needed."""
    return substitute(parse_expression(template.replace(hole, _HOLE, 1)), node)


def is_hole(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.Name) and node.value == _HOLE


def substitute(expression: cst.BaseExpression, node: cst.BaseExpression) -> cst.BaseExpression:
    """Put `node` in the place of the hole in `expression`."""
    result = expression.visit(_Substitution(node))
    assert isinstance(result, cst.BaseExpression)  # noqa: S101 - narrows LibCST's wide return type
    return result


class _Substitution(cst.CSTTransformer):
    def __init__(self, node: cst.BaseExpression) -> None:
        super().__init__()
        self._node = node
        self._path: list[cst.CSTNode] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        self._path.append(node)
        return True

    def on_leave(  # type: ignore[override]
        self, original_node: cst.CSTNode, updated_node: cst.CSTNode
    ) -> cst.CSTNode:
        self._path.pop()
        if not is_hole(original_node):
            return updated_node
        parent = self._path[-1] if self._path else None
        return parenthesised(self._node, precedence_asked(parent, original_node))
