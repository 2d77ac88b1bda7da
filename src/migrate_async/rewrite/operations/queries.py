"""Execute one `QueryRewrite`: a legacy `Query` chain becomes a statement, and its execution.

The functions are pure: LibCST nodes in, LibCST nodes out. `rewrite` takes the expression that the
edit names (after the edits below it were made) and gives the one to put in its place; with a
hoisted execution it also gives the value of the assignment that has to precede the statement.

How an edit counts: a *step* is a call, attribute or subscript on the chain. The links of an edit
name every step of the original chain once, in order, so their greatest `source` says how far down
the chain reaches; a link without a name drops its step. Placeholders in source text: `{*}`, `{0}`
and `{name}` are the arguments of the call at hand, `{n:*}`, `{n:0}` and `{n:name}` those of step
`n`, where -1 is the head (`session.query(...)`). A subscript has the arguments 0 (lower or index),
1 (upper) and 2 (step). `{stmt}` is the statement.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import libcst as cst

from migrate_async.errors import InternalError
from migrate_async.model.plan import Link, QueryRewrite
from migrate_async.rewrite.operations.layout import Space, broken, close, outer_space, then

_PLACEHOLDER = re.compile(r"\{(?:(-?\d+):)?(\*|\d+|[A-Za-z_]\w*)\}")
_STATEMENT = "stmt"
_HEAD = -1

Step: TypeAlias = cst.Call | cst.Attribute | cst.Subscript
Filling: TypeAlias = cst.BaseExpression | tuple[cst.Arg, ...]
"""What stands in for a placeholder: an expression, or for `*` a list of arguments."""


@dataclass(frozen=True)
class Rewritten:
    """`expression` replaces the chain. `hoisted`, if any, is assigned to `name` just before.

    `statement` is the node of the new chain, wherever in the two it stands.
    """

    expression: cst.BaseExpression
    statement: cst.BaseExpression
    hoisted: cst.BaseExpression | None = None
    name: str = ""


def rewrite(edit: QueryRewrite, node: cst.BaseExpression) -> Rewritten:
    """Execute `edit` on the chain `node`.

    Raises `InternalError` when `node` has not the shape that the edit describes.
    """
    chain = _Chain.of(node, _length(edit.links))
    builder = _Builder(chain, edit.root)
    for link in edit.links:
        builder.add(link)
    statement, pending = builder.current, builder.pending
    if not edit.call:
        return Rewritten(_in_own_parentheses(statement, node, pending), statement)
    if edit.call == "{stmt}":  # a statement that is only looked at
        value = _in_own_parentheses(statement, node, pending)
        return Rewritten(_with_tail(value, edit.tail), statement)
    opening, closing = outer_space(node)
    call = _Template(edit.call, chain).expression(
        statement=statement, opening=opening, closing=close(pending, closing)
    )
    if edit.awaited:
        call = cst.Await(call)
    if edit.hoist:
        name = cst.Name(edit.hoist)
        return Rewritten(_tail_of(name, edit.tail, chain), statement, call, edit.hoist)
    if not edit.tail:
        return Rewritten(call, statement)
    return Rewritten(_tail_of(_operand(call), edit.tail, chain), statement)


def _length(links: Sequence[Link]) -> int:
    return max((link.source for link in links), default=-1) + 1


@dataclass(frozen=True)
class _Chain:
    """The head and the steps on it, the one next to the head first."""

    head: cst.BaseExpression
    steps: tuple[Step, ...]

    @classmethod
    def of(cls, node: cst.BaseExpression, length: int) -> _Chain:
        steps: list[Step] = []
        while len(steps) < length:
            if not isinstance(node, Step):
                raise InternalError(f"a chain of {length} steps ends after {len(steps)}")
            steps.append(node)
            node = _base(node)
        return cls(node, tuple(reversed(steps)))

    def arguments(self, number: int) -> Mapping[str, Filling]:
        node = self.head if number == _HEAD else self.steps[number]
        if isinstance(node, cst.Call):
            return _call_arguments(node)
        if isinstance(node, cst.Subscript):
            return _subscript_arguments(node)
        raise InternalError(f"step {number} of the chain has no arguments")


def _base(step: Step) -> cst.BaseExpression:
    """The expression that a step is made on."""
    if isinstance(step, cst.Call):
        return step.func.value if isinstance(step.func, cst.Attribute) else step.func
    return step.value


def _call_arguments(call: cst.Call) -> dict[str, Filling]:
    found: dict[str, Filling] = {"*": tuple(call.args)}
    position = 0
    for arg in call.args:
        if arg.keyword is not None:
            found[arg.keyword.value] = arg.value
        elif not arg.star:
            found[str(position)] = arg.value
            position += 1
    return found


def _subscript_arguments(subscript: cst.Subscript) -> dict[str, Filling]:
    index = subscript.slice[0].slice
    if isinstance(index, cst.Index):
        return {"0": index.value}
    if not isinstance(index, cst.Slice):
        return {}
    parts = (index.lower, index.upper, index.step)
    return {str(number): part for number, part in enumerate(parts) if part is not None}


class _Builder:
    """Puts links on a head. `pending` is the space, with comments, before dropped steps."""

    def __init__(self, chain: _Chain, root: str) -> None:
        self._chain = chain
        self._usual: Space | None = None
        self.current = _head(root, chain)
        self.pending: Space | None = None

    def add(self, link: Link) -> None:
        step = self._chain.steps[link.source] if link.source >= 0 else None
        if step is not None:
            self._usual = broken(_dot_space(step)) or self._usual
            if not link.name:
                self.pending = then(self.pending, _dot_space(step))
                return
        if isinstance(step, cst.Call) and isinstance(step.func, cst.Attribute):
            self.current = self._kept(link, step, step.func)
        else:
            self.current = self._added(link)
        self.pending = None

    def _kept(self, link: Link, step: cst.Call, func: cst.Attribute) -> cst.Call:
        """The original call on the new chain, with its layout and, unless told, its arguments."""
        space = then(self.pending, func.dot.whitespace_before)
        func = func.with_changes(
            value=self.current,
            attr=cst.Name(link.name),
            dot=func.dot.with_changes(whitespace_before=space),
        )
        call = step.with_changes(func=func)
        if link.args is None:
            return call
        args = _Template(f"_({link.args})", self._chain, own=link.source).call().args
        return call.with_changes(args=args, whitespace_before_args=cst.SimpleWhitespace(""))

    def _added(self, link: Link) -> cst.Call:
        space = self.pending or self._usual or cst.SimpleWhitespace("")
        dot = cst.Dot(whitespace_before=space)
        args = _Template(f"_({link.args or ''})", self._chain, own=link.source).call().args
        return cst.Call(cst.Attribute(self.current, cst.Name(link.name), dot), args)


def _head(root: str, chain: _Chain) -> cst.BaseExpression:
    if not root:
        return chain.head
    if root.endswith("({*})") and isinstance(chain.head, cst.Call):  # keeps its layout
        function = cst.parse_expression(root[: -len("({*})")])
        return chain.head.with_changes(func=function, lpar=(), rpar=())
    return _Template(root, chain, own=_HEAD).expression()


def _dot_space(step: Step) -> Space:
    node: cst.CSTNode = step.func if isinstance(step, cst.Call) else step
    if isinstance(node, cst.Attribute):
        return node.dot.whitespace_before
    return cst.SimpleWhitespace("")


def _in_own_parentheses(
    statement: cst.BaseExpression, node: cst.BaseExpression, pending: Space | None
) -> cst.BaseExpression:
    """`statement` in the parentheses of `node`, if those were needed and still are."""
    if not node.lpar or statement.lpar:
        return statement
    innermost, *outer = node.rpar
    space = close(pending, innermost.whitespace_before)
    rpar = [innermost.with_changes(whitespace_before=space), *outer]
    return statement.with_changes(lpar=node.lpar, rpar=rpar)


def _operand(value: cst.BaseExpression) -> cst.BaseExpression:
    """`value` as something that an attribute can follow."""
    if isinstance(value, (cst.Name, cst.Call, cst.Attribute, cst.Subscript)) or value.lpar:
        return value
    return value.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])


def _with_tail(value: cst.BaseExpression, tail: str) -> cst.BaseExpression:
    return _tail_of(_operand(value), tail, _Chain(value, ()))


def _tail_of(value: cst.BaseExpression, tail: str, chain: _Chain) -> cst.BaseExpression:
    """`value` followed by the source text `tail`."""
    if not tail:
        return value
    return _Template(f"{{{_STATEMENT}}}{tail}", chain).expression(statement=value)


class _Template:
    """Source text with placeholders for arguments of a chain's steps."""

    def __init__(self, text: str, chain: _Chain, own: int = _HEAD) -> None:
        self._chain = chain
        self._fillings: dict[str, Filling] = {}
        self._own = own
        self._text = _PLACEHOLDER.sub(self._take, text)

    def expression(
        self,
        statement: cst.BaseExpression | None = None,
        opening: Space | None = None,
        closing: Space | None = None,
    ) -> cst.BaseExpression:
        """The filled-in expression; the space goes around the argument that holds `{stmt}`."""
        fillings = dict(self._fillings)
        if statement is not None:
            fillings[_name(_STATEMENT)] = statement
        parsed = cst.parse_expression(self._text)
        if opening is not None or closing is not None:
            parsed = _expect_expression(parsed.visit(_Spacer(_name(_STATEMENT), opening, closing)))
        return _expect_expression(parsed.visit(_Filler(fillings)))

    def call(self) -> cst.Call:
        """The filled-in text, which is a call."""
        call = self.expression()
        if not isinstance(call, cst.Call):
            raise InternalError(f"{self._text!r} is not a call")
        return call

    def _take(self, match: re.Match[str]) -> str:
        number, key = match.groups()
        if number is None and key == _STATEMENT:
            return _name(_STATEMENT)
        step = self._own if number is None else int(number)
        arguments = self._chain.arguments(step)
        if key not in arguments:
            raise InternalError(f"step {step} of the chain has no argument {key!r}")
        name = _name(f"{len(self._fillings)}")
        self._fillings[name] = arguments[key]
        return name


def _name(key: str) -> str:
    return f"__placeholder_{key}__"


def _expect_expression(node: object) -> cst.BaseExpression:
    if not isinstance(node, cst.BaseExpression):
        raise InternalError("a template did not give an expression")
    return node


class _Filler(cst.CSTTransformer):
    """Puts the fillings in place of the placeholder names."""

    def __init__(self, fillings: Mapping[str, Filling]) -> None:
        super().__init__()
        self._fillings = fillings

    def leave_Name(  # noqa: N802
        self, original_node: cst.Name, updated_node: cst.Name
    ) -> cst.BaseExpression:
        filling = self._fillings.get(original_node.value)
        if not isinstance(filling, cst.BaseExpression):
            return updated_node
        return filling

    def leave_Arg(  # noqa: N802
        self, original_node: cst.Arg, updated_node: cst.Arg
    ) -> cst.Arg | cst.FlattenSentinel[cst.Arg] | cst.RemovalSentinel:
        value = original_node.value
        filling = self._fillings.get(value.value) if isinstance(value, cst.Name) else None
        if not isinstance(filling, tuple):
            return updated_node
        return cst.FlattenSentinel(filling) if filling else cst.RemoveFromParent()

    def leave_Comparison(  # noqa: N802
        self,
        original_node: cst.Comparison,  # noqa: ARG002
        updated_node: cst.Comparison,
    ) -> cst.Comparison:
        targets = [
            target.with_changes(comparator=_tight(target.comparator))
            for target in updated_node.comparisons
        ]
        return updated_node.with_changes(comparisons=targets)


def _tight(operand: cst.BaseExpression) -> cst.BaseExpression:
    """`operand` in parentheses if it binds no tighter than a comparison."""
    loose = (
        cst.BooleanOperation,
        cst.Comparison,
        cst.IfExp,
        cst.Lambda,
        cst.NamedExpr,
        cst.UnaryOperation,
        cst.GeneratorExp,
    )
    if not isinstance(operand, loose) or operand.lpar:
        return operand
    return operand.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])


class _Spacer(cst.CSTTransformer):
    """Lays out the innermost call that has `name` in an argument over several lines."""

    def __init__(self, name: str, opening: Space | None, closing: Space | None) -> None:
        super().__init__()
        self._name = name
        self._opening = opening
        self._closing = closing
        self._done = False
        self._seen = False

    def visit_Name(self, node: cst.Name) -> None:  # noqa: N802
        self._seen = self._seen or node.value == self._name

    def leave_Call(  # noqa: N802
        self,
        original_node: cst.Call,  # noqa: ARG002
        updated_node: cst.Call,
    ) -> cst.Call:
        if self._done or not self._seen or not updated_node.args:
            return updated_node
        self._done = True
        *others, last = updated_node.args
        if self._closing is not None:
            last = last.with_changes(whitespace_after_arg=self._closing)
        opening = self._opening or updated_node.whitespace_before_args
        return updated_node.with_changes(args=[*others, last], whitespace_before_args=opening)
