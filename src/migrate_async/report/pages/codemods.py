"""The page about the codemods, made of what they say about themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from migrate_async.report.pages.markdown import block, cell, documentation, sentence
from migrate_async.rewrite.codemod import Example, PlannedCodemod

_HEAD = """\
# Codemods

<!-- Made by `make docs`. Do not edit: change the codemod. -->

`migrate` runs those of its step together, in this order. `migrate-async codemod explain NAME`
prints the same; `migrate-async codemod run NAME` makes the edits of one alone. A codemod decides
nothing about the project: the [plan](how-it-decides.md) names its edits.
"""


def page(found: Iterable[type[PlannedCodemod]]) -> str:
    """The whole page."""
    every = tuple(found)
    return "\n".join([_HEAD, *_contents(every), *(line for c in every for line in _section(c))])


def _contents(every: Sequence[type[PlannedCodemod]]) -> Iterator[str]:
    yield "| name | step | what it does |"
    yield "| --- | --- | --- |"
    for codemod in every:
        link = f"[`{codemod.NAME}`](#{codemod.NAME})"
        yield f"| {link} | `{codemod.STEP.value}` | {cell(codemod.DESCRIPTION)} |"
    yield ""


def _section(codemod: type[PlannedCodemod]) -> Iterator[str]:
    yield f"## {codemod.NAME}\n"
    yield documentation(codemod)
    yield "### Examples\n"
    for example in codemod.EXAMPLES:
        yield from _example(example)


def _example(example: Example) -> Iterator[str]:
    if example.after is None:
        yield f"Left alone: {example.title}.\n"
        yield block(example.before)
        return
    yield f"{sentence(example.title)} Before:\n"
    yield block(example.before)
    yield f"After:\n\n{block(example.after)}"
