"""Lay out the calls around a statement that goes over several lines."""

from __future__ import annotations

import dataclasses

import libcst as cst

from migrate_async.rewrite.lines import (
    Whitespace,
    bracketed,
    breaks_line,
    comments_in,
    has_breaks,
    indent_after,
    joined,
    last_indent,
    line_break,
    moved,
)
from migrate_async.rewrite.parentheses import without_parentheses


@dataclasses.dataclass(frozen=True)
class Arranger:
    """Lays out a call that executes `statement`, a chain that may go over several lines.

    `old` is the indentation of the line on which the chain began, `block` that of the block.
    """

    statement: cst.BaseExpression
    old: str
    block: str
    unit: str

    def arrange(self, expression: cst.BaseExpression, indent: str) -> cst.BaseExpression:
        """`expression` with the calls around the statement broken, or joined, as it asks for.

        `indent` is the indentation of the line on which `expression` will begin.
        """
        if not has_breaks(self.statement) and not comments_in(expression):
            return self._flat(expression)
        return self._broken(expression, indent)

    def _holds(self, node: cst.BaseExpression) -> bool:
        if node is self.statement:
            return True
        if isinstance(node, cst.Call):
            return self._holds(node.func) or any(self._holds(arg.value) for arg in node.args)
        if isinstance(node, cst.Await):
            return self._holds(node.expression)
        return isinstance(node, cst.Attribute | cst.Subscript) and self._holds(node.value)

    def _in_arguments(self, call: cst.Call) -> bool:
        return any(self._holds(arg.value) for arg in call.args)

    def _flat(self, node: cst.BaseExpression) -> cst.BaseExpression:
        if node is self.statement or not self._holds(node):
            return node
        if isinstance(node, cst.Call) and self._in_arguments(node):
            nothing = cst.SimpleWhitespace("")
            args = [arg.with_changes(value=self._flat(arg.value)) for arg in node.args]
            args[-1] = args[-1].with_changes(whitespace_after_arg=nothing)
            return node.with_changes(args=args, whitespace_before_args=nothing)
        return _with_inner(node, self._flat(_inner(node)))

    def _broken(self, node: cst.BaseExpression, indent: str) -> cst.BaseExpression:
        if node is self.statement:
            return self._chain(node, indent)[0]
        if not self._holds(node):
            return node
        if isinstance(node, cst.Call) and self._in_arguments(node):
            return self._call(node, indent)
        if isinstance(node, cst.Await) and node.lpar:
            inner = indent + self.unit
            bare = self._broken(without_parentheses(node), inner)
            return bracketed(bare, inner, indent)
        changed = _with_inner(node, self._broken(_inner(node), indent))
        if isinstance(changed, cst.Attribute) and _hangs(changed.value):
            dot = changed.dot.with_changes(whitespace_before=line_break(indent))
            return changed.with_changes(dot=dot)
        return changed

    def _call(self, call: cst.Call, indent: str) -> cst.Call:
        inner = indent + self.unit
        args = []
        for arg in call.args:
            comma = arg.comma
            if isinstance(comma, cst.Comma):
                comma = comma.with_changes(whitespace_after=joined([comma.whitespace_after], inner))
            args.append(arg.with_changes(value=self._broken(arg.value, inner), comma=comma))
        closing = joined([args[-1].whitespace_after_arg], indent, inner)
        args[-1] = args[-1].with_changes(
            whitespace_after_arg=closing, comma=cst.MaybeSentinel.DEFAULT
        )
        opening = joined([call.whitespace_before_args], inner)
        return call.with_changes(args=args, whitespace_before_args=opening)

    def _chain(self, node: cst.BaseExpression, indent: str) -> tuple[cst.BaseExpression, str]:
        """The chain with its lines at `indent`, and the indentation that its last line had."""
        if node.lpar or not isinstance(node, cst.Call | cst.Attribute | cst.Subscript):
            return moved(node, self.old, indent), last_indent(node) or self.old
        head, was = self._chain(_inner(node), indent)
        if isinstance(node, cst.Attribute):
            space = node.dot.whitespace_before
            if not breaks_line(space):
                return node.with_changes(value=head), was
            dot = node.dot.with_changes(whitespace_before=joined([space], indent))
            return node.with_changes(value=head, dot=dot), self._indent_of(space)
        shell = moved(_with_inner(node, cst.Name("_")), was, indent)
        return _with_inner(shell, head), last_indent(_with_inner(node, cst.Name("_"))) or was

    def _indent_of(self, space: Whitespace) -> str:
        if isinstance(space, cst.SimpleWhitespace):  # a backslash: the indentation is absolute
            return space.value.rsplit("\n", 1)[-1].removeprefix(self.block)
        return indent_after(space) or ""


def _inner(node: cst.BaseExpression) -> cst.BaseExpression:
    if isinstance(node, cst.Call):
        return node.func
    if isinstance(node, cst.Await):
        return node.expression
    assert isinstance(node, cst.Attribute | cst.Subscript)  # noqa: S101 - the callers' contract
    return node.value


def _with_inner(node: cst.BaseExpression, inner: cst.BaseExpression) -> cst.BaseExpression:
    if isinstance(node, cst.Call):
        return node.with_changes(func=inner)
    if isinstance(node, cst.Await):
        return node.with_changes(expression=inner)
    return node.with_changes(value=inner)


def _hangs(node: cst.BaseExpression) -> bool:
    """Does the chain `node` have its calls on lines of their own?"""
    while isinstance(node, cst.Call | cst.Attribute | cst.Subscript) and not node.lpar:
        if isinstance(node, cst.Attribute) and breaks_line(node.dot.whitespace_before):
            return True
        node = _inner(node)
    return False
