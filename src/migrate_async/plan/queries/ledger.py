"""What the final run over all functions finds: pieces, what belongs together, what is refused."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable
from dataclasses import dataclass, field

from migrate_async.index.scopes import Function
from migrate_async.knowledge.query_refusals import Refusal
from migrate_async.model import syntax as s
from migrate_async.plan.queries.chains import Piece
from migrate_async.plan.queries.state import QueryState


@dataclass(frozen=True)
class Refused:
    """A refusal at `node`; `values` fill its text."""

    refusal: Refusal
    function: Function
    node: s.Node
    values: tuple[tuple[str, str], ...] = ()

    @property
    def message(self) -> str:
        return self.refusal.text.format_map(dict(self.values))

    @property
    def next_step(self) -> str:
        return self.refusal.next_step.format_map(dict(self.values))


def refused(refusal: Refusal, function: Function, node: s.Node, **values: str) -> Refused:
    return Refused(refusal, function, node, tuple(sorted(values.items())))


@dataclass(frozen=True, eq=False)
class Handed:
    """A query handed to the parameter `param` of `target` by the call `node` in `function`."""

    function: Function
    node: s.Call
    target: Function
    param: str
    state: QueryState


@dataclass(frozen=True, eq=False)
class Truth:
    """`node` is a query, or `not` one, where its truth is asked; `code` asks the same of None."""

    function: Function
    node: s.Expr
    origins: tuple[Hashable, ...]
    code: str


class Groups:
    """Origins that belong together (union-find)."""

    def __init__(self) -> None:
        self._parents: dict[Hashable, Hashable] = {}

    def copy(self) -> Groups:
        found = Groups()
        found._parents.update(self._parents)
        return found

    def find(self, origin: Hashable) -> Hashable:
        """The representative of the group of `origin`."""
        root = origin
        while (parent := self._parents.get(root, root)) is not root:
            root = parent
        while (parent := self._parents.get(origin, root)) is not root:
            self._parents[origin] = root
            origin = parent
        return root

    def union(self, origins: Iterable[Hashable]) -> None:
        roots = [self.find(origin) for origin in origins]
        for root in roots[1:]:
            if root is not roots[0] and self.find(root) is not self.find(roots[0]):
                self._parents[self.find(root)] = self.find(roots[0])


@dataclass
class Ledger:
    """`refusals` pairs an origin with what is wrong there; its whole group is left."""

    pieces: dict[s.Expr, Piece] = field(default_factory=dict)
    groups: Groups = field(default_factory=Groups)
    refusals: list[tuple[Hashable, Refused]] = field(default_factory=list)
    notes: list[Refused] = field(default_factory=list)
    handed: list[Handed] = field(default_factory=list)
    annotations: list[tuple[Function, s.Expr, QueryState]] = field(default_factory=list)
    """Annotations of local names that hold a query."""
    truths: dict[s.Expr, Truth] = field(default_factory=dict)

    def copy(self) -> Ledger:
        """One that can be refused more, and joined further, on its own."""
        return Ledger(
            dict(self.pieces),
            self.groups.copy(),
            list(self.refusals),
            list(self.notes),
            list(self.handed),
            list(self.annotations),
            dict(self.truths),
        )

    def forget(self, groups: Collection[Hashable]) -> None:
        """Drop all that is known of `groups`, by their representatives."""

        def is_left(*origins: Hashable) -> bool:
            return not any(self.groups.find(origin) in groups for origin in origins)

        self.pieces = {root: piece for root, piece in self.pieces.items() if is_left(root)}
        self.refusals = [item for item in self.refusals if is_left(item[0])]
        self.handed = [item for item in self.handed if is_left(("param", item.target, item.param))]
        self.annotations = [item for item in self.annotations if is_left(*item[2].origins)]
        self.truths = {
            node: truth for node, truth in self.truths.items() if is_left(*truth.origins)
        }

    def refuse(self, origins: Iterable[Hashable], problem: Refused) -> None:
        """Leave the groups of `origins`, because of `problem`."""
        if problem.refusal.is_note:
            self.notes.append(problem)
            return
        known = {(origin, found) for origin, found in self.refusals if found == problem}
        for origin in origins:
            if (origin, problem) not in known:
                self.refusals.append((origin, problem))

    def report(self, function: Function, node: s.Node, refusal: Refusal, **values: str) -> None:
        """Say something about code that is no chain."""
        problem = refused(refusal, function, node, **values)
        if problem not in self.notes:
            self.notes.append(problem)
