"""Source text of syntax nodes: normalised, on one line. Used where no original text can stay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from migrate_async.model import syntax as s


def text(node: s.Expr | None) -> str:
    """`node` as source; parentheses are put wherever they might be needed."""
    writer = _WRITERS.get(type(node))
    return writer(node) if writer is not None else ""


def source(expr: s.Expr) -> str:
    """The text of a simple expression.

    Raises `ValueError` for what is not a name, attribute, call, subscript, constant or display.
    """
    for part in s.walk(expr):
        if not isinstance(part, _SIMPLE) or _unpacks(part):
            raise ValueError(f"no source text for {type(part).__name__}")
    return text(expr)


def source_if_simple(expr: s.Expr) -> str:
    """The text of a simple expression; `""` for any other."""
    try:
        return source(expr)
    except ValueError:
        return ""


def same(left: s.Expr, right: s.Expr) -> bool:
    """Whether both are simple and read alike (quotes and layout aside)."""
    try:
        return source(left) == source(right)
    except ValueError:
        return False


_ATOMS = (s.Name, s.Attribute, s.Call, s.Constant, s.Subscript, s.Sequence, s.Mapping)
_SIMPLE = (*_ATOMS, s.Starred, s.Keyword)


def _unpacks(node: s.AnyNode) -> bool:
    """Is something unpacked into a display?"""
    if isinstance(node, s.Sequence):
        return any(isinstance(item, s.Starred) for item in node.items)
    return isinstance(node, s.Mapping) and None in node.keys


def _operand(node: s.Expr) -> str:
    return text(node) if isinstance(node, _ATOMS) else f"({text(node)})"


def _arguments(call: s.Call) -> str:
    keywords = [
        f"{k.arg}={text(k.value)}" if k.arg else f"**{text(k.value)}" for k in call.keywords
    ]
    return ", ".join([*(text(arg) for arg in call.args), *keywords])


def _constant(node: s.Constant) -> str:
    if node.kind == "str":
        quoted = repr(node.value)
        return f'"{quoted[1:-1]}"' if quoted[0] == "'" and '"' not in quoted else quoted
    if node.kind == "bool":
        return str(bool(node.value))
    return "..." if node.kind == "ellipsis" else str(node.value)


def _index(node: s.Expr) -> str:
    is_tuple = isinstance(node, s.Sequence) and node.kind == "tuple" and node.items
    return text(node)[1:-1] if is_tuple else text(node)


def _slice(node: s.Slice) -> str:
    step = f":{text(node.step)}" if node.step is not None else ""
    return f"{text(node.lower)}:{text(node.upper)}{step}"


_BRACKETS = {"tuple": "()", "list": "[]", "set": "{}"}


def _sequence(node: s.Sequence) -> str:
    opening, closing = _BRACKETS[node.kind][0], _BRACKETS[node.kind][1]
    inner = ", ".join(text(item) for item in node.items)
    comma = "," if node.kind == "tuple" and len(node.items) == 1 else ""
    return f"{opening}{inner}{comma}{closing}"


def _pair(key: s.Expr | None, value: s.Expr) -> str:
    return f"**{text(value)}" if key is None else f"{text(key)}: {text(value)}"


def _operation(node: s.Operation) -> str:
    if len(node.operands) == 1:
        space = " " if node.operator.isalpha() else ""
        return f"{node.operator}{space}{_operand(node.operands[0])}"
    return f" {node.operator} ".join(_operand(operand) for operand in node.operands)


def _mapping(node: s.Mapping) -> str:
    pairs = zip(node.keys, node.values, strict=True)
    return "{" + ", ".join(_pair(key, value) for key, value in pairs) + "}"


def _conditional(node: s.Conditional) -> str:
    return f"{_operand(node.body)} if {_operand(node.test)} else {_operand(node.orelse)}"


def _lambda(node: s.Lambda) -> str:
    params = ", ".join(param.name for param in node.params)
    return f"{'lambda ' * bool(params)}{params or 'lambda'}: {text(node.body)}"


_WRITERS: dict[type, Callable[[Any], str]] = {
    s.Name: lambda node: str(node.id),
    s.Attribute: lambda node: f"{_operand(node.value)}.{node.attr}",
    s.Call: lambda node: f"{_operand(node.func)}({_arguments(node)})",
    s.Constant: _constant,
    s.Subscript: lambda node: f"{_operand(node.value)}[{_index(node.index)}]",
    s.Slice: _slice,
    s.Sequence: _sequence,
    s.Mapping: _mapping,
    s.Operation: _operation,
    s.Conditional: _conditional,
    s.Starred: lambda node: f"*{_operand(node.value)}",
    s.Await: lambda node: f"await {_operand(node.value)}",
    s.NamedExpression: lambda node: f"({node.target.id} := {text(node.value)})",
    s.Lambda: _lambda,
    s.Comprehension: lambda _: "...",
}


def is_plain(node: s.Expr) -> bool:
    """Is `node` a name or a dotted name, so that reading it twice does no harm?"""
    return bool(s.dotted_name(node))


def is_pure(node: s.Expr | None) -> bool:
    """Can `node` be evaluated twice: no call, await or assignment in it?"""
    if node is None:
        return True
    impure = (s.Call, s.Await, s.NamedExpression, s.Yield, s.Comprehension)
    return not any(isinstance(part, impure) for part in s.walk(node))
