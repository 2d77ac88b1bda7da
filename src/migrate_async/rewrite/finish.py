"""Finish an edited statement: lines that are not too long, no comment lost."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import cached_property
from typing import TypeVar

import libcst as cst

from migrate_async.rewrite.fitting import Fitter, head_of
from migrate_async.rewrite.fragments import code_of, leading_lines
from migrate_async.rewrite.joining import joined
from migrate_async.rewrite.lines import Style, breaks_line, comments_in, has_breaks
from migrate_async.rewrite.place import Hoisted, Place
from migrate_async.source.line_lengths import width

_Node = TypeVar("_Node", cst.BaseSmallStatement, cst.BaseExpression)

_VALUES: dict[type[cst.CSTNode], str] = {
    cst.Assign: "value",
    cst.AnnAssign: "value",
    cst.AugAssign: "value",
    cst.Return: "value",
    cst.Expr: "value",
    cst.Assert: "test",
}


@dataclasses.dataclass(frozen=True)
class Finisher:
    """Finishes the statement that was `original`, in a block indented by `block`.

    `source` are the lines that it stood on. A line may stay as long as the longest that the
    statement had; what gets longer than that, and than `style` allows, is broken to what `style`
    allows: so it does not matter what else had been in it before.
    """

    original: cst.CSTNode
    source: str
    block: str
    style: Style
    joins: bool = False
    """Whether the statement was broken for something that is gone now."""
    is_laid_out: bool = False
    """Whether it was broken for its length, just as it would be here."""

    def statement(self, updated: cst.CSTNode, hoisted: Sequence[Hoisted]) -> cst.CSTNode:
        """`updated` with its lines fitted; `hoisted` is what already moved out of it."""
        if isinstance(updated, cst.SimpleStatementLine):
            if len(updated.body) == 1:
                updated = updated.with_changes(body=[self._joined(updated.body[0])])
            return self._with_comments(self._line(updated), hoisted)
        if isinstance(updated, cst.FunctionDef):
            return self._function(updated)
        if isinstance(updated, cst.If | cst.While):
            return updated.with_changes(test=self._head(updated.test, "while :"))
        if isinstance(updated, cst.For):
            prefix = f"for {code_of(updated.target)} in :"
            return updated.with_changes(iter=self._head(updated.iter, prefix))
        return updated

    def hoisted(self, name: str, value: cst.BaseExpression) -> Hoisted:
        """The assignment `name = value`, fitted."""
        return name, self._head(value, f"{name} = ")

    def lays_out(self) -> bool:
        """Whether the original has just the line breaks that it would get here for its length.

        Then nobody asked for them, and it gets others when it is edited: the same in one run as
        in several, of which the first have broken what gets longer later.
        """
        before = _bare(self.original)
        if "\n" not in before or _on_one_line(self.original) is None:
            return False
        again = dataclasses.replace(self, is_laid_out=True).statement(self.original, ())
        return _bare(again) == before

    def _joined(self, node: _Node) -> _Node:
        if self.is_laid_out:
            return joined(node, commas=True) or node
        return joined(node) or node if self._was_too_long else node

    @cached_property
    def _was_too_long(self) -> bool:
        """Whether what is gone now may have broken it: on one line it was too long with that."""
        if not self.joins:
            return False
        one = _on_one_line(self.original)
        return one is not None and self._is_too_long(_bare(one))

    def _is_too_long(self, text: str) -> bool:
        return Fitter(self.style, len(self.block.expandtabs(4))).too_long(text)

    def _fitter(self, text: str) -> Fitter | None:
        """What breaks `text` if it is too long; None if it is not."""
        block = len(self.block.expandtabs(4))
        fitter = Fitter(self.style, block)
        if not fitter.too_long(text):
            return None
        if self.joins or self.is_laid_out:
            return fitter  # it was as long as it was for what is gone now, or goes
        return fitter if width(text) > width(_bare(self.original)) else None

    def _head(self, value: cst.BaseExpression, around: str) -> cst.BaseExpression:
        value = self._joined(value)
        fitter = self._fitter(around + code_of(value))
        return fitter.expression(value, "") if fitter else value

    def _line(self, line: cst.SimpleStatementLine) -> cst.SimpleStatementLine:
        fitter = self._fitter(_bare(line)) if len(line.body) == 1 else None
        if fitter is None:
            return line
        (small,) = line.body
        field = _VALUES.get(type(small), "")
        value = getattr(small, field, None)
        if not isinstance(value, cst.BaseExpression):
            return line
        return line.with_changes(body=[small.with_changes(**{field: fitter.expression(value, "")})])

    def _function(self, function: cst.FunctionDef) -> cst.FunctionDef:
        space = function.whitespace_before_params
        if breaks_line(space) and not code_of(function.params).strip():
            function = function.with_changes(whitespace_before_params=cst.SimpleWhitespace(""))
        fitter = self._fitter(head_of(function))
        return fitter.parameters(function) if fitter else function

    def _with_comments(
        self, line: cst.SimpleStatementLine, hoisted: Sequence[Hoisted]
    ) -> cst.SimpleStatementLine:
        """`line` with the comments that the edits left out on lines above it."""
        if "#" not in self.source:
            return line
        kept = [comment.value for comment in comments_in(line)]
        kept += [comment.value for _, value in hoisted for comment in comments_in(value)]
        lost = []
        for comment in comments_in(self.original):
            if comment.value in kept:
                kept.remove(comment.value)
            else:
                lost.append(cst.EmptyLine(comment=comment))
        if not lost:
            return line
        return line.with_changes(leading_lines=[*leading_lines(line), *lost])


def fitted(expression: cst.BaseExpression, place: Place) -> cst.BaseExpression:
    """`expression`, broken if the line inside a longer statement got too long by it."""
    if place.around is None or place.in_string or has_breaks(expression):
        return expression
    limit = max(place.style.limit, width(place.around + code_of(place.node)))
    if width(place.around + code_of(expression)) <= limit:
        return expression
    fitter = Fitter(place.style, len(place.block.expandtabs(4)))
    return fitter.expression(expression, place.outer)


def _on_one_line(node: cst.CSTNode) -> cst.CSTNode | None:
    """`node`, or the head of a block, without line breaks; None if somebody wants one of them."""
    if isinstance(node, cst.SimpleStatementLine):
        small = joined(node.body[0], commas=True) if len(node.body) == 1 else None
        return None if small is None else node.with_changes(body=[small])
    if isinstance(node, cst.If | cst.While):
        test = joined(node.test, commas=True)
        return None if test is None else node.with_changes(test=test)
    iterable = joined(node.iter, commas=True) if isinstance(node, cst.For) else None
    return None if iterable is None else node.with_changes(iter=iterable)


def _bare(node: cst.CSTNode) -> str:
    """The code of `node` without the comments above and after it; of a block, that of the head."""
    if isinstance(node, cst.SimpleStatementLine):
        plain = cst.TrailingWhitespace()
        return code_of(node.with_changes(leading_lines=(), trailing_whitespace=plain)).rstrip()
    if isinstance(node, cst.FunctionDef):
        return head_of(node)
    if isinstance(node, cst.If | cst.While):
        return code_of(node.test)
    return code_of(node.iter) if isinstance(node, cst.For) else ""
