"""Make edits by the text that they are about, and run them."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from migrate_async.model.plan import AnyEdit
from migrate_async.model.syntax import Span
from migrate_async.rewrite.executor import execute
from migrate_async.rewrite.lines import Style


def span_of(source: str, snippet: str, nth: int = 0) -> Span:
    """The span of the `nth` occurrence of `snippet` in `source`."""
    start = -1
    for _ in range(nth + 1):
        start = source.index(snippet, start + 1)
    end = start + len(snippet)
    return (*_point(source, start), *_point(source, end))


def _point(source: str, offset: int) -> tuple[int, int]:
    before = source[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1)


def run(source: str, edits: Sequence[AnyEdit], limit: int = 88) -> str:
    """`source` after `edits`, in one pass over the whole module."""
    return execute(cst.parse_module(source), edits, Style(limit=limit)).code
