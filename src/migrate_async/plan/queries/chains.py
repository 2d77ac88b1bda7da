"""The pieces of query chains: a root, steps on it, and what happens with the result.

A *piece* is what stands in one expression. `db.query(User).filter(a)` and, later,
`query.order_by(b).all()` are two pieces of one query.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from migrate_async.index.scopes import Function
from migrate_async.knowledge.query_api import MEMBERS, Kind, Member
from migrate_async.model import syntax as s
from migrate_async.plan.queries.state import QueryState


class Usage(enum.Enum):
    """What happens with the query that a piece gives, if its last step does not end it."""

    KEPT = "kept"
    """It is assigned, returned, handed on, compared with None, or dropped."""
    EMBEDDED = "embedded"
    """It becomes part of a SQL expression."""
    LOOPED = "looped"
    """A `for` (statement or comprehension) takes its rows one by one."""
    LISTED = "listed"
    """All rows are taken at once: `list(query)`, `a, b = query`, `x in query`."""
    ESCAPED = "escaped"
    """It goes where its use cannot be seen."""


@dataclass(frozen=True)
class Step:
    """A call, attribute or subscript on the chain. `name` is the member of `Query`."""

    name: str
    node: s.Call | s.Attribute | s.Subscript

    @property
    def member(self) -> Member | None:
        return MEMBERS.get(self.name)

    @property
    def ends(self) -> bool:
        """Is what the step gives no query any more?"""
        member = self.member
        return member is None or member.kind is not Kind.BUILD

    @property
    def args(self) -> tuple[s.Expr, ...]:
        return self.node.args if isinstance(self.node, s.Call) else ()

    @property
    def keywords(self) -> tuple[s.Keyword, ...]:
        return self.node.keywords if isinstance(self.node, s.Call) else ()

    def argument(self, name: str, position: int = 0) -> tuple[str, s.Expr] | None:
        """Placeholder key and value of an argument that may be given by name or position."""
        for keyword in self.keywords:
            if keyword.arg == name:
                return name, keyword.value
        if position < len(self.args) and not isinstance(self.args[position], s.Starred):
            return str(position), self.args[position]
        return None


@dataclass(eq=False)
class Piece:
    """`states[i]` is what is known before step `i`; the last one, after all steps.

    `head` is the `session.query(...)` that the piece starts from; None if it starts from a name,
    or from a call that gives a query, or (`is_dynamic`) from a relationship that is a query.
    """

    function: Function
    root: s.Expr
    head: s.Call | None
    states: list[QueryState]
    node: s.Expr
    steps: list[Step] = field(default_factory=list)
    usage: Usage = Usage.KEPT
    is_dynamic: bool = False
    page: s.Call | None = None
    """The call that makes a page of the query; as its first argument the query has the session."""

    @property
    def state(self) -> QueryState:
        return self.states[-1]

    @property
    def session(self) -> s.Expr | None:
        """The expression before `.query(...)`."""
        func = self.head.func if self.head is not None else None
        return func.value if isinstance(func, s.Attribute) else None

    @property
    def last(self) -> Step | None:
        return self.steps[-1] if self.steps else None

    @property
    def executes(self) -> bool:
        """Does evaluating the piece talk to the database?"""
        if self.last is not None and self.last.ends:
            member = self.last.member
            return member is not None and member.kind is Kind.EXECUTE
        return self.page is not None or self.usage in (Usage.LOOPED, Usage.LISTED)

    @property
    def is_trivial(self) -> bool:
        """A bare name (or call of a helper) that is only handed on: nothing to rewrite."""
        is_made_here = self.head is not None or self.is_dynamic
        return not is_made_here and not self.steps and not self.executes

    def add(self, step: Step, state: QueryState) -> None:
        self.steps.append(step)
        self.states.append(state)
        self.node = step.node


@dataclass(frozen=True)
class Value:
    """A query as the value of an expression; several pieces when a condition chooses."""

    pieces: tuple[Piece, ...]
    state: QueryState
