"""Pieces of Markdown that the pages share."""

from __future__ import annotations

import inspect
import re


def documentation(documented: type) -> str:
    """The docstring of a rule or codemod, its headings one level down."""
    return re.sub(r"^## ", "### ", inspect.getdoc(documented) or "", flags=re.MULTILINE) + "\n"


def block(code: str) -> str:
    """A fenced block of Python."""
    return f"```python\n{code.strip()}\n```\n"


def cell(text: str) -> str:
    """`text` as a table has it."""
    return text.replace("|", "\\|")


def sentence(text: str) -> str:
    """`text` with a capital letter and one full stop."""
    return text[:1].upper() + text[1:].rstrip(".") + "."
