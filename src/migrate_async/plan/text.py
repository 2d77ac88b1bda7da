"""Source text of simple expressions, for the code that a plan writes."""

from __future__ import annotations

from migrate_async.model import syntax as s


def source(expr: s.Expr) -> str:
    """`expr` as Python source, in one line.

    Raises `ValueError` for what is not a name, attribute, call, subscript, constant or display.
    """
    if isinstance(expr, s.Name):
        return expr.id
    if isinstance(expr, s.Attribute):
        return f"{source(expr.value)}.{expr.attr}"
    if isinstance(expr, s.Call):
        return f"{source(expr.func)}({', '.join(_arguments(expr))})"
    if isinstance(expr, s.Subscript):
        return f"{source(expr.value)}[{_index(expr.index)}]"
    return _literal(expr)


def _literal(expr: s.Expr) -> str:
    if isinstance(expr, s.Constant):
        return _constant(expr)
    if isinstance(expr, s.Sequence):
        return _display(expr)
    if isinstance(expr, s.Mapping) and None not in expr.keys:
        pairs = zip(expr.keys, expr.values, strict=True)
        return "{" + ", ".join(f"{source(k)}: {source(v)}" for k, v in pairs if k) + "}"
    raise ValueError(f"no source text for {type(expr).__name__}")


def _index(index: s.Expr) -> str:
    text = source(index)
    is_tuple = isinstance(index, s.Sequence) and index.kind == "tuple"
    return text[1:-1] if is_tuple else text


def _arguments(call: s.Call) -> list[str]:
    positional = [
        f"*{source(arg.value)}" if isinstance(arg, s.Starred) else source(arg) for arg in call.args
    ]
    keywords = [
        f"{keyword.arg}={source(keyword.value)}" if keyword.arg else f"**{source(keyword.value)}"
        for keyword in call.keywords
    ]
    return positional + keywords


def _constant(expr: s.Constant) -> str:
    if expr.kind == "str":
        text = repr(expr.value)
        return text if '"' in text else '"' + text[1:-1] + '"'
    if expr.kind == "ellipsis":
        return "..."
    return str(bool(expr.value)) if expr.kind == "bool" else str(expr.value)


def _display(expr: s.Sequence) -> str:
    items = ", ".join(source(item) for item in expr.items)
    if expr.kind == "tuple":
        return f"({items},)" if len(expr.items) == 1 else f"({items})"
    return f"[{items}]" if expr.kind == "list" else "{" + items + "}"


def same(left: s.Expr, right: s.Expr) -> bool:
    """Whether both read alike (quotes and layout aside)."""
    try:
        return source(left) == source(right)
    except ValueError:
        return False
