"""Make edits by the text that they are about, and run them.

`«` and `»` in a source mark what an edit is about; they may be nested.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from textwrap import dedent

from migrate_async.model.plan import AnyEdit
from migrate_async.model.syntax import Span
from migrate_async.rewrite.executor import execute
from migrate_async.rewrite.islands import rewrite
from migrate_async.rewrite.lines import Style

CODEMOD = "test"


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


def unmarked(text: str) -> tuple[str, list[Span]]:
    """`text` without its marks, and the spans marked, in the order in which they begin."""
    source = text.replace("«", "").replace("»", "")
    spans: list[tuple[int, int]] = []
    stack: list[int] = []
    offset = 0
    for character in text:
        if character == "«":
            stack.append(len(spans))
            spans.append((offset, offset))
        elif character == "»":
            index = stack.pop()
            spans[index] = (spans[index][0], offset)
        else:
            offset += 1
    return source, [(*_point(source, start), *_point(source, end)) for start, end in spans]


def run(source: str, edits: Sequence[AnyEdit], limit: int = 88) -> str:
    """`source` after `edits`, in one pass over the whole module."""
    return execute(source, edits, Style(limit=limit)).code


def becomes(before: str, after: str, *edits: Callable[[Span], AnyEdit]) -> None:
    """Assert that `before`, with one of `edits` at each mark, becomes `after`.

    Both are dedented. Whatever comes out has to be valid Python and come out of the islands too.
    """
    source, spans = unmarked(dedent(before).lstrip("\n"))
    made = [edit(span) for edit, span in zip(edits, spans, strict=True)]
    result = rewrite(source, made)
    assert result == dedent(after).lstrip("\n")
    ast.parse(result)


def unchanged(source: str, *edits: Callable[[Span], AnyEdit]) -> None:
    """Assert that `edits` at the marks of `source` leave it as it is."""
    becomes(source, source.replace("«", "").replace("»", ""), *edits)


def edit(kind: type, **fields: object) -> Callable[[Span], AnyEdit]:
    """An edit of `kind` whose span comes from the mark."""
    return lambda span: kind(span=span, codemod=CODEMOD, **fields)
