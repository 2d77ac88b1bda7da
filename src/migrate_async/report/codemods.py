"""What a codemod does, from its own documentation."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterable
from typing import TYPE_CHECKING

from migrate_async.report.diff import coloured
from migrate_async.report.page import Page, render_documentation

if TYPE_CHECKING:
    from migrate_async.rewrite.codemod import Example, PlannedCodemod


def render_list(codemods: Iterable[type[PlannedCodemod]], page: Page) -> None:
    """One line each: name and what it does."""
    page.columns(((found.NAME, found.DESCRIPTION) for found in codemods), indent=0)


def render_codemod(codemod: type[PlannedCodemod], page: Page) -> None:
    """The codemod's documentation, and its examples as diffs."""
    page.line((codemod.NAME, "bold"), f"  {codemod.CODE}")
    page.blank()
    render_documentation(inspect.getdoc(codemod) or "", page)
    for example in codemod.EXAMPLES:
        page.heading(f"Example: {example.title}")
        _render_example(example, page)


def _render_example(example: Example, page: Page) -> None:
    if example.after is None:
        page.line("left as it is:")
        for line in example.before.splitlines():
            page.line(line, indent=4, hang=0)
        return
    before, after = (text.splitlines() for text in (example.before, example.after))
    diff = list(difflib.unified_diff(before, after, "before", "after", lineterm="", n=2))[2:]
    for text in coloured("\n".join(diff)):
        page.line((text.plain, str(text.style)), indent=4, hang=0)
