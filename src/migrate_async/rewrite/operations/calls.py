"""Edits of a call's arguments."""

from __future__ import annotations

from collections.abc import Mapping

import libcst as cst

from migrate_async.errors import InternalError
from migrate_async.model.plan import (
    AddArgument,
    BridgeCall,
    DelegateCall,
    RecallCall,
    RemoveArgument,
    SpreadArgument,
)
from migrate_async.rewrite.fragments import parse_expression
from migrate_async.rewrite.lines import (
    breaks_line,
    call_on_lines,
    indent_after,
    is_listed,
    line_break,
    moved,
    one_per_line,
)
from migrate_async.rewrite.operations import sequences
from migrate_async.rewrite.parentheses import with_parentheses
from migrate_async.rewrite.place import Place


def add_argument(edit: AddArgument, node: cst.BaseExpression) -> cst.Call:
    """The call `node` with one more argument, before any `**`."""
    call = _as_call(node)
    (new,) = _as_call(parse_expression(f"f({edit.code})")).args
    new = new.with_changes(
        equal=cst.AssignEqual(
            whitespace_before=cst.SimpleWhitespace(""), whitespace_after=cst.SimpleWhitespace("")
        )
        if new.keyword
        else cst.MaybeSentinel.DEFAULT
    )
    args = [_in_parentheses(arg) for arg in call.args]
    index = next((i for i, arg in enumerate(args) if arg.star == "**"), len(args))
    index = 0 if edit.first else index
    changed = sequences.insert(args, index, new, call.whitespace_before_args)
    return call.with_changes(args=changed)


def delegate(edit: DelegateCall, node: cst.BaseExpression, place: Place) -> cst.Call:
    """The call `node`, made by `edit.to`.

    Where somebody wanted the line breaks around the arguments, these keep them, and what is called
    stands otherwise than in lines that only their length has broken: those are joined later.

    Raises `InternalError` when the call has no argument `edit.drop`.
    """
    call = _as_call(node)
    if edit.drop:
        removal = RemoveArgument(span=edit.span, codemod=edit.codemod, name=edit.drop)
        call = remove_argument(removal, call)
    callee = cst.Arg(call.func, comma=cst.MaybeSentinel.DEFAULT)
    others = [_in_parentheses(arg) for arg in call.args]
    args = sequences.insert(others, 0, callee, call.whitespace_before_args)
    indent = indent_after(call.whitespace_before_args)
    if others and indent is not None and not place.is_laid_out:
        own_lines = all(indent_after(sequences.space_after(arg)) is not None for arg in others)
        is_list = own_lines and len(others) > 1 and not isinstance(others[-1].comma, cst.Comma)
        space = cst.SimpleWhitespace(" ") if is_list else line_break(indent)
        args[0] = sequences.with_comma(args[0], space)
    return call.with_changes(func=parse_expression(edit.to), args=args)


def bridge(edit: BridgeCall, node: cst.BaseExpression) -> cst.Call:
    """The call `node` in a lambda, on the sync side of the session `edit.to`."""
    call = _as_call(node)
    session = cst.Name(edit.name)
    args = list(call.args)
    args[edit.session] = args[edit.session].with_changes(value=session)
    values: list[cst.BaseExpression] = []
    for index, name in edit.passed:
        if index < 0:
            values.append(call.func)
            call = call.with_changes(func=cst.Name(name))
        else:
            values.append(args[index].value)
            args[index] = args[index].with_changes(value=cst.Name(name))
    names = [edit.name, *(name for _, name in edit.passed)]
    function = parse_expression(f"lambda {', '.join(names)}: None")
    assert isinstance(function, cst.Lambda)  # noqa: S101 - that is what was parsed
    call = call.with_changes(args=args)
    indents = _indents(call)
    body = moved(call, *indents) if indents else call
    made = cst.Call(
        func=cst.Attribute(parse_expression(edit.to), cst.Name("run_sync")),
        args=[cst.Arg(function.with_changes(body=body)), *map(cst.Arg, values)],
    )
    if not indents:
        return made
    outer, inner = indents
    return one_per_line(made, inner, outer) if values else call_on_lines(made, inner, outer)


def _indents(call: cst.Call) -> tuple[str, str] | None:
    """How far the lines around the arguments of `call`, and these, are indented.

    None where the brackets do not stand at the end of one line and the start of another.
    """
    inner = indent_after(call.whitespace_before_args)
    if inner is None or not call.args:
        return None
    last = call.args[-1]
    spaces = [last.whitespace_after_arg]
    spaces += [last.comma.whitespace_after] if isinstance(last.comma, cst.Comma) else []
    ends = [indent for space in spaces if (indent := indent_after(space)) is not None]
    return (ends[-1], inner) if ends and inner.startswith(ends[-1]) else None


def recall(edit: RecallCall, node: cst.BaseExpression) -> cst.BaseExpression:
    """What the delegated call `node` delegates, called directly; of an `await`, not awaited."""
    if isinstance(node, cst.Await):
        return recall(edit, node.expression)
    call = _as_call(node)
    callee = call.args[0].value
    if isinstance(callee, cst.Lambda):
        given = [parse_expression(edit.first)] if edit.first else []
        given += [arg.value for arg in call.args[1:]]
        names = [param.name.value for param in callee.params.params]
        indents = _indents(call)
        inner = moved(callee.body, indents[1], indents[0]) if indents else callee.body
        body = inner.visit(_Renamed(dict(zip(names, given, strict=False))))
        assert isinstance(body, cst.BaseExpression)  # noqa: S101 - a lambda's body is one
        return body
    args = sequences.remove(call.args, 0)
    if is_listed(call) and args:
        args[-1] = sequences.closed(args[-1], sequences.space_after(args[-1]), trailing=True)
    if edit.first:
        first = cst.Arg(parse_expression(edit.first), comma=cst.MaybeSentinel.DEFAULT)
        args = sequences.insert(args, 0, first, call.whitespace_before_args)
    space = call.whitespace_before_args if args else cst.SimpleWhitespace("")
    return call.with_changes(func=callee, args=args, whitespace_before_args=space)


class _Renamed(cst.CSTTransformer):
    """Puts expressions in the place of names."""

    def __init__(self, given: Mapping[str, cst.BaseExpression]) -> None:
        super().__init__()
        self._given = given

    def on_leave(  # type: ignore[override]
        self, original_node: cst.CSTNode, updated_node: cst.CSTNode
    ) -> cst.CSTNode:
        # The names of attributes and keywords are names of something else.
        if isinstance(original_node, cst.Attribute):
            return updated_node.with_changes(attr=original_node.attr)
        if isinstance(original_node, cst.Arg):
            return updated_node.with_changes(keyword=original_node.keyword)
        if isinstance(original_node, cst.Name):
            return self._given.get(original_node.value, updated_node)
        return updated_node


def remove_argument(edit: RemoveArgument, node: cst.BaseExpression) -> cst.Call:
    """The call `node` without the argument that the edit names.

    Raises `InternalError` when the call has no such argument.
    """
    call = _as_call(node)
    index = _index(edit.name, call)
    args = sequences.remove(call.args, index)
    if args:
        return call.with_changes(args=args)
    return call.with_changes(args=[], whitespace_before_args=cst.SimpleWhitespace(""))


def spread_argument(_edit: SpreadArgument, node: cst.BaseExpression) -> cst.Call:
    """The call `node` with the elements of its first argument in the place of that argument.

    Raises `InternalError` when the call has no positional first argument.
    """
    call = _as_call(node)
    first = call.args[0] if call.args else None
    if first is None or first.keyword is not None or first.star:
        raise InternalError("the call has no positional argument to spread")
    if not isinstance(first.value, cst.List) or not first.value.elements:
        return call.with_changes(args=[first.with_changes(star="*"), *call.args[1:]])
    return _with_elements(call, first, first.value)


def _with_elements(call: cst.Call, first: cst.Arg, display: cst.List) -> cst.Call:
    """`call` with the elements of `display` for its argument `first`, in their layout."""
    outer, inner = call.whitespace_before_args, display.lbracket.whitespace_after
    opening = outer if breaks_line(outer) else inner
    if breaks_line(outer) and breaks_line(inner):
        display = moved(display, indent_after(inner) or "", indent_after(outer) or "")
    args = [
        cst.Arg(
            element.value,
            star="*" if isinstance(element, cst.StarredElement) else "",
            comma=element.comma,
        )
        for element in display.elements
    ]
    alone = len(call.args) == 1
    closing = sequences.space_after(first) if alone else None
    if closing is None:
        args[-1] = args[-1].with_changes(comma=first.comma)
    elif breaks_line(outer):
        args[-1] = sequences.closed(args[-1], closing, trailing=isinstance(first.comma, cst.Comma))
    else:
        trailing = isinstance(args[-1].comma, cst.Comma) and breaks_line(inner)
        args[-1] = sequences.closed(args[-1], display.rbracket.whitespace_before, trailing=trailing)
    return call.with_changes(args=[*args, *call.args[1:]], whitespace_before_args=opening)


def _index(name: str, call: cst.Call) -> int:
    if name.isdigit():
        index = int(name)
        before = call.args[: index + 1]
        if len(before) == index + 1 and all(not arg.keyword and not arg.star for arg in before):
            return index
    for index, arg in enumerate(call.args):
        if arg.keyword is not None and arg.keyword.value == name:
            return index
    raise InternalError(f"the call has no argument {name!r}")


def _as_call(node: cst.BaseExpression) -> cst.Call:
    if not isinstance(node, cst.Call):
        raise InternalError(f"an argument edit of something that is not a call: {node!r:.80}")
    return node


def _in_parentheses(arg: cst.Arg) -> cst.Arg:
    """A sole generator expression may go without parentheses, but not beside another argument."""
    if isinstance(arg.value, cst.GeneratorExp) and not arg.value.lpar:
        return arg.with_changes(value=with_parentheses(arg.value))
    return arg
