"""Syntax trees of Python's own parser, for one thread at a time.

CPython up to 3.12.2 counts the depth for all threads together: `ast.parse` fails
with "AST constructor recursion depth mismatch" (python/cpython#106905) where two overlap.
"""

from __future__ import annotations

import ast
import threading

_LOCK = threading.Lock()


def parse_module(text: str, path: str = "<unknown>") -> ast.Module:
    """`ast.parse(text, path)`.

    :raises SyntaxError: and what else `ast.parse` raises.
    """
    with _LOCK:
        return ast.parse(text, path)


def parse_expression(text: str) -> ast.Expression:
    """`ast.parse(text, mode="eval")`.

    :raises SyntaxError: and what else `ast.parse` raises.
    """
    with _LOCK:
        return ast.parse(text, mode="eval")
