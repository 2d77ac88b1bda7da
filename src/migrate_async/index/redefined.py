"""Functions of one name in one function: which of them a name means.

    try:
        def load():
            return remote(url)

        return await to_thread(load)
    except OSError:
        def load():
            return local(db)

        return await to_thread(load)

Each `load` is the one that is defined above it, in the same block or in one around that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from migrate_async.model import syntax as s

_Parent: TypeAlias = "s.AnyNode | s.ModuleSyntax"


def reaching(
    definitions: Sequence[s.FunctionDef], name: s.Name, parents: Mapping[_Parent, _Parent]
) -> s.FunctionDef | None:
    """The one of `definitions` that `name`, in the same scope, means; None if nobody can tell."""
    node: _Parent = name
    while node in parents and not isinstance(node, s.FunctionDef):
        around = parents[node]
        for block in _blocks(around):
            above = _above(node, block)
            found = [one for one in definitions if any(one is item for item in above)]
            if found:
                last = max(found, key=lambda one: one.line)
                end = block[len(above)].end_line
                return None if any(last.line < one.line <= end for one in definitions) else last
        node = around
    return None


def _above(node: _Parent, block: tuple[s.Stmt, ...]) -> tuple[s.Stmt, ...]:
    """The statements of `block` above `node`; none if it is not there."""
    number = next((number for number, item in enumerate(block) if item is node), 0)
    return block[:number]


def _blocks(node: _Parent) -> Iterator[tuple[s.Stmt, ...]]:
    """The blocks of statements directly inside `node`."""
    names = ("body", "orelse", "finalbody")
    values = (getattr(node, name, ()) for name in names)
    yield from (value for value in values if isinstance(value, tuple))
