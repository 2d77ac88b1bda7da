"""Names that a module reads and nothing binds, by the compiler's own symbol tables."""

from __future__ import annotations

import ast
import builtins
import re
import symtable

_IMPLICIT = {"__file__", "__name__", "__doc__", "__path__", "__spec__", "__class__", "__package__"}
_STAR = re.compile(r"^\s*from\s.+\simport\s*\(?\s*\*", re.MULTILINE)
KNOWN = frozenset(dir(builtins)) | _IMPLICIT | {"__annotations__", "__builtins__", "__loader__"}
"""Names that every module has."""


def has_star_import(text: str) -> bool:
    """Whether `text` imports names that it does not spell out."""
    return _STAR.search(text) is not None


def undefined_names(text: str) -> set[str]:
    """The global names that are read somewhere and bound nowhere.

    Raises `SyntaxError` and `ValueError` as `compile` does.
    """
    top = symtable.symtable(text, "<module>", "exec")
    bound = {symbol.get_name() for symbol in top.get_symbols() if _is_bound(symbol)}
    read: set[str] = set()
    pending = [top]
    while pending:
        table = pending.pop()
        pending.extend(table.get_children())
        for symbol in table.get_symbols():
            # `symtable` takes a function called "top" for the module.
            is_global = table is top or (symbol.is_global() and not symbol.is_local())
            if is_global and symbol.is_assigned() and table is not top:
                bound.add(symbol.get_name())
            if is_global and symbol.is_referenced():
                read.add(symbol.get_name())
    return read - bound - KNOWN


def line_of(name: str, tree: ast.Module) -> int:
    """The first line of `tree` that has `name`; 0 when there is none."""
    uses = (node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == name)
    return next((node.lineno for node in uses), 0)


def _is_bound(symbol: symtable.Symbol) -> bool:
    return symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
