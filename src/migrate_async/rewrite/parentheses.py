"""When does an expression need parentheses where it is put? Python's precedences as a table."""

from __future__ import annotations

import libcst as cst

LOOSEST, ANY_EXPRESSION, DISJUNCTION = 0, 1, 3
NOT, COMPARISON, BIT_OR = 5, 6, 7
UNARY, POWER, AWAIT, PRIMARY, ATOM = 13, 14, 15, 16, 17

_BINARY: dict[type[cst.CSTNode], int] = {
    cst.BitOr: BIT_OR,
    cst.BitXor: 8,
    cst.BitAnd: 9,
    cst.LeftShift: 10,
    cst.RightShift: 10,
    cst.Add: 11,
    cst.Subtract: 11,
    cst.Multiply: 12,
    cst.Divide: 12,
    cst.FloorDivide: 12,
    cst.Modulo: 12,
    cst.MatrixMultiply: 12,
    cst.Power: POWER,
}
_EXPRESSIONS: dict[type[cst.CSTNode], int] = {
    cst.NamedExpr: LOOSEST,
    cst.Yield: LOOSEST,
    cst.Tuple: LOOSEST,
    cst.GeneratorExp: LOOSEST,
    cst.Lambda: ANY_EXPRESSION,
    cst.IfExp: 2,
    cst.Comparison: COMPARISON,
    cst.Await: AWAIT,
    cst.Call: PRIMARY,
    cst.Attribute: PRIMARY,
    cst.Subscript: PRIMARY,
}


def precedence(expression: cst.BaseExpression) -> int:
    """How tightly `expression` binds; larger is tighter."""
    if expression.lpar:
        return ATOM
    if isinstance(expression, cst.BinaryOperation):
        return _BINARY[type(expression.operator)]
    if isinstance(expression, cst.BooleanOperation):
        return DISJUNCTION if isinstance(expression.operator, cst.Or) else 4
    if isinstance(expression, cst.UnaryOperation):
        return NOT if isinstance(expression.operator, cst.Not) else UNARY
    return _EXPRESSIONS.get(type(expression), ATOM)


def precedence_asked(parent: cst.CSTNode | None, child: cst.CSTNode) -> int:
    """The least precedence of an expression without parentheses in the place of `child`."""
    if parent is None:
        return LOOSEST
    if is_head(parent, child):
        return PRIMARY
    if isinstance(parent, cst.BinaryOperation):
        return _operand(parent, child)
    if isinstance(parent, cst.BooleanOperation):
        return precedence(parent.with_changes(lpar=(), rpar=())) + (child is parent.right)
    if isinstance(parent, cst.UnaryOperation):
        return NOT if isinstance(parent.operator, cst.Not) else UNARY
    return _LOOSE.get(type(parent), LOOSEST)


_LOOSE: dict[type[cst.CSTNode], int] = {
    cst.Await: PRIMARY,
    cst.Comparison: BIT_OR,
    cst.ComparisonTarget: BIT_OR,
    cst.StarredElement: BIT_OR,
    cst.StarredDictElement: BIT_OR,
    cst.IfExp: DISJUNCTION,
    cst.CompFor: DISJUNCTION,
    cst.CompIf: DISJUNCTION,
    cst.Arg: ANY_EXPRESSION,
    cst.Element: ANY_EXPRESSION,
    cst.DictElement: ANY_EXPRESSION,
    cst.Index: ANY_EXPRESSION,
    cst.Slice: ANY_EXPRESSION,
    cst.Lambda: ANY_EXPRESSION,
    cst.NamedExpr: ANY_EXPRESSION,
    cst.ListComp: ANY_EXPRESSION,
    cst.SetComp: ANY_EXPRESSION,
    cst.GeneratorExp: ANY_EXPRESSION,
    cst.DictComp: ANY_EXPRESSION,
    cst.FormattedStringExpression: ANY_EXPRESSION,
    cst.WithItem: ANY_EXPRESSION,
    cst.Param: ANY_EXPRESSION,
    cst.Annotation: ANY_EXPRESSION,
}


def is_head(parent: cst.CSTNode, child: cst.CSTNode) -> bool:
    """Is `child` what an attribute, subscript or call is taken of?"""
    if isinstance(parent, cst.Attribute | cst.Subscript):
        return child is parent.value
    return isinstance(parent, cst.Call) and child is parent.func


def _operand(parent: cst.BinaryOperation, child: cst.CSTNode) -> int:
    if isinstance(parent.operator, cst.Power):
        # `await x ** 2` is valid and means `(await x) ** 2`; nobody reads it so.
        return PRIMARY if child is parent.left else UNARY
    return _BINARY[type(parent.operator)] + (child is parent.right)


def parenthesised(expression: cst.BaseExpression, asked: int) -> cst.BaseExpression:
    """`expression`, in parentheses when it binds looser than `asked`."""
    if precedence(expression) >= asked:
        return expression
    return with_parentheses(expression)


def with_parentheses(expression: cst.BaseExpression) -> cst.BaseExpression:
    return expression.with_changes(
        lpar=[cst.LeftParen(), *expression.lpar], rpar=[*expression.rpar, cst.RightParen()]
    )


def without_parentheses(expression: cst.BaseExpression) -> cst.BaseExpression:
    return expression.with_changes(lpar=[], rpar=[]) if expression.lpar else expression
