"""Which names does a module use? As `ast` sees it, and in the strings that stand for code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

_TYPE_COMMENT = re.compile(r"#\s*type:\s*(?!ignore)(.*)")
_WORD = re.compile(r"[^\W\d]\w*")
_TYPING_CALLS = {"cast", "TypeVar", "NewType", "ForwardRef", "Annotated", "Mapped"}


def used_names(tree: ast.Module, text: str) -> set[str]:
    """The names that the module reads, in string annotations, type comments and `__all__` too."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and _reads(node)}
    for string in _code_strings(tree):
        names.update(_names_in(string))
    for comment in _TYPE_COMMENT.findall(text):
        names.update(_WORD.findall(comment))
    return names | exported_names(tree)


def _reads(node: ast.Name) -> bool:
    return not isinstance(node.ctx, ast.Store)


def exported_names(tree: ast.Module) -> set[str]:
    """The strings in `__all__`."""
    found: set[str] = set()
    for node in ast.walk(tree):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign | ast.AugAssign):
            targets = [node.target]
        is_all = any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets)
        value = getattr(node, "value", None)
        if is_all and value is not None:
            found.update(_strings(value))
    return found


def _strings(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def _code_strings(tree: ast.Module) -> Iterator[str]:
    """The strings in annotations and in calls of `typing` that take code."""
    for node in ast.walk(tree):
        for annotation in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            if isinstance(annotation, ast.AST):
                yield from _strings(annotation)
        if isinstance(node, ast.AnnAssign) and node.value is not None and _is_alias(node):
            yield from _strings(node.value)
        if isinstance(node, ast.Call) and _last_name(node.func) in _TYPING_CALLS:
            yield from _strings(node)
        if isinstance(node, ast.Subscript):
            yield from _strings(node.slice)


def _is_alias(node: ast.AnnAssign) -> bool:
    return _last_name(node.annotation) == "TypeAlias"


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _names_in(code: str) -> set[str]:
    try:
        tree = ast.parse(code.strip(), mode="eval")
    except (SyntaxError, ValueError):
        return set()
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
