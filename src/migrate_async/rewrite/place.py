"""Where an edited expression stands: what the operations need to know about its surroundings."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import libcst as cst

from migrate_async.rewrite.lines import Style

Hoisted = tuple[str, cst.BaseExpression]
"""A local name and what is assigned to it just before the statement."""


@dataclasses.dataclass(frozen=True)
class Place:
    """`path` are the original nodes from the module down to the edited one.

    `indent` is the indentation of the line on which the node begins, `outer` that of the line on
    which its parentheses begin; both are relative to `block`, the indentation of the block around
    it. `touches` says that a letter or digit touches the
    parentheses around the node, which have to stay then (`return(x)`). `around` is the text before
    and after the node on its line, if the node is on one line of a statement that has several.
    `is_laid_out` says that only its length has broken the statement.
    """

    path: Sequence[cst.CSTNode]
    indent: str
    outer: str
    block: str
    style: Style
    touches: bool = False
    around: str | None = None
    is_laid_out: bool = False

    @property
    def node(self) -> cst.CSTNode:
        return self.path[-1]

    @property
    def parent(self) -> cst.CSTNode | None:
        return self.path[-2] if len(self.path) > 1 else None

    @property
    def in_string(self) -> bool:
        """Is the node in an f-string, where lines cannot be broken?"""
        return any(isinstance(node, cst.FormattedStringExpression) for node in self.path)


@dataclasses.dataclass(frozen=True)
class Replacement:
    """The expression that takes the place, and what has to be assigned before the statement."""

    expression: cst.BaseExpression
    hoisted: Hoisted | None = None
