"""Fingerprints of sync originals and their async twins, which only the finished text can have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from migrate_async.index.extract import extract
from migrate_async.index.originals import arguments, fingerprint, mark_of
from migrate_async.knowledge.shim import TWIN_MARK
from migrate_async.model import syntax as s
from migrate_async.source.lines import split_lines

OPEN = "?"
"""Stands for the fingerprint of a pair that is just made."""


@dataclass(frozen=True)
class _Pair:
    place: str
    recorded: str
    actual: str
    span: s.Span
    """Where the fingerprint stands."""


def with_fingerprints(before: str, after: str) -> str:
    """`after`, with fingerprints for new pairs and for those that were whole in `before`.

    What a person has edited since keeps its old one, and so is told.
    """
    if f"{TWIN_MARK}(" not in after:
        return after
    whole = {pair.place for pair in _pairs(before) if pair.recorded == pair.actual}
    lines = split_lines(after)
    for pair in _pairs(after):
        if pair.recorded == OPEN or pair.place in whole:
            line, start, _, end = pair.span
            text = lines[line - 1]
            lines[line - 1] = f'{text[:start]}"{pair.actual}"{text[end:]}'
    return "".join(lines)


def _pairs(text: str) -> Iterator[_Pair]:
    if f"{TWIN_MARK}(" not in text:
        return
    syntax = extract(text)
    yield from _in_body("", syntax.body)


def _in_body(prefix: str, body: tuple[s.Stmt, ...]) -> Iterator[_Pair]:
    functions = {node.name: node for node in body if isinstance(node, s.FunctionDef)}
    for node in body:
        if isinstance(node, s.ClassDef):
            yield from _in_body(f"{prefix}{node.name}.", node.body)
        mark = mark_of(node) if isinstance(node, s.FunctionDef) else None
        if mark is None or not isinstance(node, s.FunctionDef):
            continue
        name, recorded = arguments(mark)
        if name in functions and recorded and mark.args[1].line == mark.args[1].end_line:
            actual = fingerprint(node, functions[name])
            yield _Pair(f"{prefix}{node.name}", recorded, actual, mark.args[1].span)
