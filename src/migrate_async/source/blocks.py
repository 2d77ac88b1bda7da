"""The definitions of a file's top level with their text, found without parsing.

A block is what stands between one line that starts in the first column and the next. It is more
than the definition where strings over several lines or odd layout leave doubts, never less.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_START = re.compile(r"^(?=[^\s#)\]}])", re.MULTILINE)
_WORD = re.compile(r"(?<![\w.])[^\W\d]\w*")
_DEFINITION = re.compile(r"^(?:async[ \t]+def|def|class)[ \t]+(\w+)", re.MULTILINE)
_COMPOUND = re.compile(r"(?:if|elif|else|try|except|finally|for|while|with|async|match)\b(?!\s*=)")
_INNER = re.compile(r"^[ \t]*(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)", re.MULTILINE)
_INNER_TARGET = re.compile(r"(\w+)[ \t]*(?::[^=\n]+)?=(?!=)|\b(?:as|for)[ \t]+(\w+)")
_TARGETS = re.compile(r"^\(?[ \t]*([^\W\d]\w*(?:[ \t]*[,.][ \t]*\w+)*)", re.MULTILINE)
_CHAIN = re.compile(r"^(?:\w+[ \t]*=(?!=)[ \t]*)+", re.MULTILINE)
_CALL = re.compile(r"[\w.]+\(")
_QUOTES = re.compile(r'"""|\'\'\'')


class Block(NamedTuple):
    """`names` are bound by the statement, `words` are all in its text but attributes."""

    names: frozenset[str]
    words: frozenset[str]
    text: str
    is_call: bool
    """Whether it is the call of a method: `names` has the object that it is called on."""


def blocks_of(text: str) -> Iterator[Block]:
    """The blocks of `text` (line ends as `\\n`), import statements left out."""
    for piece in _pieces(text):
        if piece.startswith(("import ", "from ", "import\t", "from\t", "from.")):
            continue
        yield Block(
            frozenset(_bound(piece)) - {"__all__"},
            frozenset(_WORD.findall(piece)),
            piece,
            _CALL.match(piece) is not None,
        )


def _pieces(text: str) -> Iterator[str]:
    starts = [found.start() for found in _START.finditer(text)]
    pending = ""
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        piece = text[start:end]
        if pending and not _is_open(pending) and piece[0] not in "\"'":
            yield pending
            pending = ""
        pending += piece
    if pending:
        yield pending


def _is_open(text: str) -> bool:
    """Whether the next line in the first column may still belong to `text`."""
    if text.startswith("@") and not _DEFINITION.search(text):
        return True
    opened = ""
    for quotes in _QUOTES.findall(text):
        if not opened:
            opened = quotes
        elif quotes == opened:
            opened = ""
    return bool(opened)


def _bound(text: str) -> Iterator[str]:
    if _COMPOUND.match(text) and not text.startswith("async def"):
        yield from _INNER.findall(text)
        for first, second in _INNER_TARGET.findall(text):
            yield first or second
        return
    defined = _DEFINITION.findall(text)
    yield from defined
    if defined and text.startswith(("def ", "class ", "async ", "@")):
        return
    for listed in _TARGETS.findall(text):
        yield from (part.split(".")[0].strip() for part in listed.split(","))
    for chain in _CHAIN.findall(text):
        yield from (name.strip() for name in chain.split("=") if name.strip())
