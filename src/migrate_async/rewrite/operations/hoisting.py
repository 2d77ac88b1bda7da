"""May an expression be evaluated in a statement of its own, just before its statement?

Only when nothing is evaluated before it that could notice, and when it is evaluated exactly once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import libcst as cst

Rule = Callable[[Any, cst.CSTNode], bool]


def hoistable(path: Sequence[cst.CSTNode]) -> bool:
    """`path` leads from the module down to the expression."""
    nodes = list(path)
    for index in range(len(nodes) - 1, 0, -1):
        parent, child = nodes[index - 1], nodes[index]
        if isinstance(parent, cst.BaseSmallStatement | cst.BaseCompoundStatement):
            return _starts_statement(parent, child, nodes[index - 2])
        rule = _FIRST.get(type(parent))
        if rule is None or not rule(parent, child):
            return False
    return False


def _starts_statement(statement: cst.CSTNode, child: cst.CSTNode, container: cst.CSTNode) -> bool:
    if isinstance(statement, cst.For):
        return child is statement.iter
    if isinstance(statement, cst.If):  # not an `elif`
        return child is statement.test and isinstance(container, cst.IndentedBlock | cst.Module)
    if not isinstance(container, cst.SimpleStatementLine) or container.body[0] is not statement:
        return False
    if isinstance(statement, cst.AugAssign):
        return child is statement.value and isinstance(statement.target, cst.Name)
    simple = isinstance(statement, cst.Assign | cst.AnnAssign | cst.Return | cst.Expr)
    return simple and child is getattr(statement, "value", None)


def is_plain(expression: cst.CSTNode) -> bool:
    """A name, dotted name or constant: it makes no difference when it is evaluated."""
    if isinstance(expression, cst.Attribute):
        return is_plain(expression.value)
    return isinstance(expression, cst.Name | cst.BaseNumber | cst.SimpleString)


def _all_plain(siblings: Sequence[cst.CSTNode], child: cst.CSTNode) -> bool:
    for sibling in siblings:
        if sibling is child:
            return True
        parts = [getattr(sibling, name, None) for name in ("key", "value")]
        if not all(is_plain(part) for part in parts if part is not None):
            return False
    return False


def _call(call: cst.Call, child: cst.CSTNode) -> bool:
    return child is call.func or (is_plain(call.func) and _all_plain(call.args, child))


def _comparison(comparison: cst.Comparison, child: cst.CSTNode) -> bool:
    first = child is comparison.comparisons[0] and is_plain(comparison.left)
    return child is comparison.left or first


def _binary(operation: cst.BinaryOperation, child: cst.CSTNode) -> bool:
    return child is operation.left or is_plain(operation.left)


def _always(_parent: cst.CSTNode, _child: cst.CSTNode) -> bool:
    return True


def _comprehension(node: cst.BaseComp, child: cst.CSTNode) -> bool:
    return child is node.for_in


_FIRST: dict[type[cst.CSTNode], Rule] = {
    cst.Attribute: _always,
    cst.Await: _always,
    cst.Subscript: lambda node, child: child is node.value,
    cst.Call: _call,
    cst.Arg: _always,
    cst.Comparison: _comparison,
    cst.ComparisonTarget: _always,
    cst.BinaryOperation: _binary,
    cst.UnaryOperation: _always,
    cst.BooleanOperation: lambda node, child: child is node.left,
    cst.IfExp: lambda node, child: child is node.test,
    cst.Tuple: lambda node, child: _all_plain(node.elements, child),
    cst.List: lambda node, child: _all_plain(node.elements, child),
    cst.Dict: lambda node, child: _all_plain(node.elements, child),
    cst.Element: _always,
    cst.StarredElement: _always,
    cst.DictElement: lambda node, child: child is node.value and is_plain(node.key),
    cst.ListComp: _comprehension,
    cst.SetComp: _comprehension,
    cst.DictComp: _comprehension,
    cst.GeneratorExp: _comprehension,
    # The first iterable is evaluated at once and once; inner ones hang below an outer CompFor.
    cst.CompFor: lambda node, child: child is node.iter,
}
