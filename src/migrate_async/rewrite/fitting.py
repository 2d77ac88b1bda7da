"""Break lines that an edit made too long, the way a formatter would."""

from __future__ import annotations

import dataclasses

import libcst as cst

from migrate_async.rewrite import lines
from migrate_async.rewrite.fragments import code_of
from migrate_async.rewrite.lines import Style, line_break
from migrate_async.rewrite.operations.functions import on_lines
from migrate_async.source.line_lengths import width

_OPERANDS: dict[type[cst.CSTNode], tuple[str, ...]] = {
    cst.BooleanOperation: ("right", "left"),
    cst.BinaryOperation: ("right", "left"),
    cst.Comparison: ("left",),
    cst.UnaryOperation: ("expression",),
    cst.IfExp: ("orelse", "body"),
    cst.NamedExpr: ("value",),
}

_BRACKETS: dict[type[cst.CSTNode], tuple[str, str]] = {
    cst.ListComp: ("lbracket", "rbracket"),
    cst.SetComp: ("lbrace", "rbrace"),
    cst.DictComp: ("lbrace", "rbrace"),
}


@dataclasses.dataclass(frozen=True)
class Fitter:
    """Breaks expressions; `block` is the width of the indentation of the block around them."""

    style: Style
    block: int

    def too_long(self, text: str, indent: str = "") -> bool:
        return self.block + width(indent + text) > self.style.limit

    def expression(self, expression: cst.BaseExpression, indent: str) -> cst.BaseExpression:
        """`expression`, which begins on a line indented by `indent`, broken at its outermost call.

        What already has line breaks, and what offers no bracket, stays.
        """
        if lines.has_breaks(expression):
            return expression
        if isinstance(expression, cst.Await):
            inner = self.expression(expression.expression, indent)
            return expression.with_changes(expression=inner)
        if isinstance(expression, cst.ListComp | cst.SetComp | cst.DictComp):
            return self._comprehension(expression, indent)
        if not isinstance(expression, cst.Call | cst.Attribute | cst.Subscript):
            return self._operand(expression, indent)
        if isinstance(expression, cst.Call) and expression.args and not _awaited_head(expression):
            return self._call(expression, indent)
        return self._head(expression, indent)

    def _comprehension(
        self, expression: cst.ListComp | cst.SetComp | cst.DictComp, indent: str
    ) -> cst.BaseExpression:
        """The comprehension between its brackets, its parts on lines of their own if need be."""
        inner = indent + self.style.unit
        if self.too_long(code_of(expression)[1:-1], inner):
            expression = expression.with_changes(for_in=self._clauses(expression.for_in, inner))
        opening, closing = _BRACKETS[type(expression)]
        left, right = getattr(expression, opening), getattr(expression, closing)
        return expression.with_changes(
            **{
                opening: left.with_changes(whitespace_after=line_break(inner)),
                closing: right.with_changes(whitespace_before=line_break(indent)),
            }
        )

    def _clauses(self, clause: cst.CompFor, indent: str) -> cst.CompFor:
        space = line_break(indent)
        iterable = clause.iter
        if self.too_long(code_of(clause.with_changes(ifs=(), inner_for_in=None)), indent):
            iterable = self.expression(iterable, indent)
        inner = clause.inner_for_in
        return clause.with_changes(
            iter=iterable,
            whitespace_before=space,
            ifs=[condition.with_changes(whitespace_before=space) for condition in clause.ifs],
            inner_for_in=None if inner is None else self._clauses(inner, indent),
        )

    def _operand(self, expression: cst.BaseExpression, indent: str) -> cst.BaseExpression:
        """An operation broken in its last operand that can be broken."""
        for name in _OPERANDS.get(type(expression), ()):
            operand = getattr(expression, name)
            changed = self.expression(operand, indent)
            if changed is not operand:
                return expression.with_changes(**{name: changed})
        return expression

    def bracketed(self, expression: cst.BaseExpression, indent: str) -> cst.BaseExpression:
        """As `expression`, for one that stands alone on a line between brackets."""
        if not self.too_long(code_of(expression), indent) or lines.has_breaks(expression):
            return expression
        if chain_length(expression) > 1:
            return vertical(expression, indent)
        return self.expression(expression, indent)

    def parameters(self, function: cst.FunctionDef) -> cst.FunctionDef:
        """`function` with its parameters on lines of their own if its first line is too long."""
        text = code_of(function.params)
        breakable = text and not lines.has_breaks(function.params)
        if not breakable or not self.too_long(head_of(function)):
            return function
        inner = self.style.unit
        separator = line_break(inner) if self.too_long(text, inner) else None
        return function.with_changes(
            whitespace_before_params=line_break(inner),
            params=on_lines(function.params, separator, closing=line_break("")),
        )

    def _head(self, expression: cst.BaseExpression, indent: str) -> cst.BaseExpression:
        if isinstance(expression, cst.Call):
            return expression.with_changes(func=self._head(expression.func, indent))
        if isinstance(expression, cst.Attribute | cst.Subscript):
            value = expression.value
            inner = indent + self.style.unit
            if isinstance(value, cst.Await) and value.lpar:
                bare = self.bracketed(value.with_changes(lpar=(), rpar=()), inner)
                return expression.with_changes(value=lines.bracketed(bare, inner, indent))
            if isinstance(value, cst.Call) and value.args and not _awaited_head(value):
                return expression.with_changes(value=self._call(value, indent))
            return expression.with_changes(value=self._head(value, indent))
        return expression

    def _call(self, call: cst.Call, indent: str) -> cst.Call:
        inner = indent + self.style.unit
        bare = call.with_changes(func=cst.Name("f"), whitespace_after_func=cst.SimpleWhitespace(""))
        text = code_of(bare)[2:-1]
        if not self.too_long(text, inner):
            return lines.call_on_lines(call, inner, indent)
        if len(call.args) > 1:
            args = [arg.with_changes(value=self._argument(arg, inner)) for arg in call.args]
            # A comma at the end would be one that the arguments had before they were passed on.
            trailing = not lines.delegates(call)
            call = call.with_changes(args=args)
            return lines.one_per_line(call, inner, indent, trailing=trailing)
        arg = call.args[0]
        if arg.keyword or arg.star:
            return lines.call_on_lines(call, inner, indent)
        value = self.bracketed(arg.value, inner)
        return lines.call_on_lines(
            call.with_changes(args=[arg.with_changes(value=value)]), inner, indent
        )

    def _argument(self, arg: cst.Arg, indent: str) -> cst.BaseExpression:
        if not self.too_long(code_of(arg), indent):
            return arg.value
        if arg.keyword or arg.star or chain_length(arg.value) < 2:
            return self.expression(arg.value, indent)
        return vertical(arg.value, indent)


def head_of(function: cst.FunctionDef) -> str:
    """The `def` line of `function`, up to the colon."""
    bare = function.with_changes(
        body=cst.SimpleStatementSuite([cst.Pass()]),
        decorators=(),
        leading_lines=(),
        lines_after_decorators=(),
    )
    return code_of(bare).rstrip().removesuffix(" pass")


def _awaited_head(expression: cst.BaseExpression) -> bool:
    """Does the chain `expression` start from an await in parentheses?"""
    head = expression
    while isinstance(head, cst.Call | cst.Attribute | cst.Subscript):
        head = head.func if isinstance(head, cst.Call) else head.value
    return isinstance(head, cst.Await) and bool(head.lpar)


def chain_length(expression: cst.BaseExpression) -> int:
    """The number of method calls in the chain that `expression` is."""
    count = 0
    while isinstance(expression, cst.Call | cst.Attribute):
        if isinstance(expression, cst.Attribute):
            expression = expression.value
            continue
        count += isinstance(expression.func, cst.Attribute)
        expression = expression.func
    return count


def vertical(expression: cst.BaseExpression, indent: str) -> cst.BaseExpression:
    """A chain with each method call on a line of its own; needs brackets around it.

    The call next to a plain name or dotted name (`select(User)`, `sa.select(User)`) stays there.
    """
    if not isinstance(expression, cst.Call) or not isinstance(expression.func, cst.Attribute):
        return expression
    value = expression.func.value
    if not _contains_call(value):
        return expression
    func = expression.func.with_changes(
        value=vertical(value, indent),
        dot=expression.func.dot.with_changes(whitespace_before=line_break(indent)),
    )
    return expression.with_changes(func=func)


def _contains_call(expression: cst.BaseExpression) -> bool:
    while isinstance(expression, cst.Attribute):
        expression = expression.value
    return isinstance(expression, cst.Call | cst.Subscript | cst.Await)
