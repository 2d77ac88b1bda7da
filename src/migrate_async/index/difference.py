"""What an edit changed in the facts of a file, if that is nothing but lines and inert functions.

Most edits of a file move what is below them: a comment, a blank line, a helper more. Then what was
found in the file is still true, some lines further down. `difference` says so, or that it cannot
tell.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, get_args

import msgspec

from migrate_async.index.inert import is_inert
from migrate_async.model import syntax as s

_ON_LINES_OF_THEIR_OWN = (*get_args(s.Stmt), s.Handler)


@dataclass(frozen=True)
class Difference:
    """`lines` says where the lines that code begins or ends at are now.

    `names` are those of the inert functions that came, went or changed.
    """

    lines: dict[int, int] = field(default_factory=dict)
    names: frozenset[str] = frozenset()


class _Differs(Exception):
    """There is more to the edit."""


def difference(old: s.ModuleSyntax, new: s.ModuleSyntax) -> Difference | None:
    """How `new` differs from `old`; None when it does so in anything that could matter."""
    lines: dict[int, int] = {}
    names: set[str] = set()
    try:
        for before, after in _aligned(old.body, new.body):
            if before is not None and after is not None:
                _pair(before, after, lines)
            else:
                names |= _inert(before, old) | _inert(after, new)
    except _Differs:
        return None
    return Difference(lines, frozenset(names))


def same_comments(old: s.ModuleSyntax, new: s.ModuleSyntax, lines: dict[int, int]) -> bool:
    """Whether the comments that speak to the tool are the same, beside the same code."""
    return [(lines.get(c.line), c.col, c.text) for c in old.suppressions] == [
        (c.line, c.col, c.text) for c in new.suppressions
    ]


def _inert(node: s.Stmt | None, module: s.ModuleSyntax) -> set[str]:
    if node is None:
        return set()
    if not isinstance(node, s.FunctionDef) or not is_inert(node, module):
        raise _Differs
    return {node.name}


def _aligned(
    old: Sequence[s.Stmt], new: Sequence[s.Stmt]
) -> Iterator[tuple[s.Stmt | None, s.Stmt | None]]:
    """The statements of both, those that are the same in pairs."""
    shapes, new_shapes = list(map(_shape, old)), list(map(_shape, new))
    matcher = difflib.SequenceMatcher(None, shapes, new_shapes, autojunk=False)
    for tag, start, end, new_start, new_end in matcher.get_opcodes():
        if tag == "equal":
            yield from zip(old[start:end], new[new_start:new_end], strict=True)
        else:
            yield from ((node, None) for node in old[start:end])
            yield from ((None, node) for node in new[new_start:new_end])


_Shape: TypeAlias = tuple[Any, ...]


def _shape(value: object) -> _Shape:
    """What a node says, wherever it stands."""
    if isinstance(value, tuple):
        return tuple(_shape(item) for item in value)
    if not isinstance(value, msgspec.Struct):
        return (type(value).__name__, value)  # 1 == True
    places = s.Node.__struct_fields__ if isinstance(value, s.Node) else ()
    fields = (name for name in value.__struct_fields__ if name not in places)
    return (type(value).__name__, *(_shape(getattr(value, name)) for name in fields))


def _pair(old: s.Node, new: s.Node, lines: dict[int, int]) -> None:
    """Note where the lines of two equal statements are."""
    _note(old, new, lines)
    pending: list[tuple[Any, Any]] = [(old, new)]
    while pending:
        for one, other in zip(*map(s.children, pending.pop()), strict=True):
            if isinstance(one, _ON_LINES_OF_THEIR_OWN):
                _pair(one, other, lines)
                continue
            if isinstance(one, s.Node):
                if _below(old, one) != _below(new, other):
                    raise _Differs
                _note(one, other, lines)
            pending.append((one, other))


def _below(statement: s.Node, node: s.Node) -> tuple[int, int]:
    """How many lines below the start of `statement` a part of it begins and ends."""
    return (node.line - statement.line, node.end_line - statement.line)


def _note(old: s.Node, new: s.Node, lines: dict[int, int]) -> None:
    if (old.col, old.end_col) != (new.col, new.end_col):
        raise _Differs
    for before, after in ((old.line, new.line), (old.end_line, new.end_line)):
        if lines.setdefault(before, after) != after:
            raise _Differs
