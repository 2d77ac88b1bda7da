"""Which names does a module use? As `ast` sees it, and in the strings that stand for code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from migrate_async.source.trees import parse_expression

_TYPE_COMMENT = re.compile(r"#\s*type:\s*(?!ignore)(.*)")
_WORD = re.compile(r"[^\W\d]\w*")
_TYPING_CALLS = {"cast", "TypeVar", "NewType", "ForwardRef", "Annotated", "Mapped"}


def used_names(tree: ast.Module, text: str) -> set[str]:
    """The names that the module reads, in string annotations, type comments and `__all__` too."""
    nodes = list(ast.walk(tree))
    names = {node.id for node in nodes if isinstance(node, ast.Name) and _reads(node)}
    for string in _code_strings(nodes):
        names.update(_names_in(string))
    if "type:" in text:
        for comment in _TYPE_COMMENT.findall(text):
            names.update(_WORD.findall(comment))
    return names | _exported(nodes)


def _reads(node: ast.Name) -> bool:
    return not isinstance(node.ctx, ast.Store)


def _exported(nodes: Sequence[ast.AST]) -> set[str]:
    """The strings in `__all__`."""
    found: set[str] = set()
    for node in nodes:
        if not isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        is_all = any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets)
        if is_all and node.value is not None:
            found.update(_strings(node.value))
    return found


def _strings(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def _code_strings(nodes: Sequence[ast.AST]) -> Iterator[str]:
    """The strings in annotations and in calls of `typing` that take code."""
    for node in nodes:
        if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation is not None:
            yield from _strings(node.annotation)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns is not None:
            yield from _strings(node.returns)
        elif isinstance(node, ast.Subscript):
            yield from _strings(node.slice)
        elif isinstance(node, ast.Call) and _last_name(node.func) in _TYPING_CALLS:
            yield from _strings(node)
        if isinstance(node, ast.AnnAssign) and node.value is not None and _is_alias(node):
            yield from _strings(node.value)


def _is_alias(node: ast.AnnAssign) -> bool:
    return _last_name(node.annotation) == "TypeAlias"


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _names_in(code: str) -> set[str]:
    try:
        tree = parse_expression(code.strip())
    except (SyntaxError, ValueError):
        return set()
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
