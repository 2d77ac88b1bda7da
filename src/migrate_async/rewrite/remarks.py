"""Comments at the ends of lines that go: they stay, on lines of their own."""

from __future__ import annotations

import re

import libcst as cst

_DIRECTIVE = re.compile(
    r"#\s*((nosec|noqa)\b|(fmt|flake8|isort|mypy|pragma|pylint|pyre|pyright|ruff|type|yapf)\s*:)"
)
"""What speaks of its line to a program, and says nothing without it."""


def beside(statement: cst.CSTNode | None) -> list[cst.EmptyLine]:
    """The comment at the end of the line `statement`."""
    if not isinstance(statement, cst.SimpleStatementLine):
        return []
    comment = statement.trailing_whitespace.comment
    if comment is None or _DIRECTIVE.match(comment.value):
        return []
    return [cst.EmptyLine(comment=comment)]
