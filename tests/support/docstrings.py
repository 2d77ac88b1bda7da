"""The examples in docstrings: indented blocks that follow `::`."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def examples(folder: Path) -> Iterator[tuple[str, str]]:
    """The code of all examples below `folder` by place: `database`, `mixins.UserTrackingMixin`.

    Several examples of one docstring are one, in their order.
    """
    for file in sorted(folder.rglob("*.py")):
        module = ".".join(file.relative_to(folder).with_suffix("").parts)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            text = ast.get_docstring(node) if isinstance(node, _DOCUMENTED) else None
            blocks = list(_blocks(text or ""))
            if blocks:
                yield f"{module}.{getattr(node, 'name', '')}".rstrip("."), "\n".join(blocks)


def _blocks(text: str) -> Iterator[str]:
    for match in re.finditer(r"::\n\n((?:(?: {4}.*)?\n|(?: {4}.*)$)+)", text):
        yield textwrap.dedent(match[1]).strip() + "\n"
