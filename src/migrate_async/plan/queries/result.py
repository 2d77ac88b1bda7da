"""What query planning gives: per function the edits, and for each chain what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from migrate_async.index.scopes import Function
from migrate_async.model.diagnostic import Diagnostic
from migrate_async.model.plan import AnyEdit, ImportChange
from migrate_async.model.syntax import Span

TRANSLATE = "translate"
LEAVE = "leave"


@dataclass(frozen=True)
class Chain:
    """One chain (or piece of one) and its fate.

    `state` is `translate` or `leave`; then `code` and `reason` say why. `executes`: evaluating it
    talks to the database; `is_stuck`: nothing can be awaited there. Chains of one `group` are
    translated together or not at all; a group may span functions.
    """

    function: Function
    span: Span
    expression: str
    state: str
    executes: bool
    group: int
    is_stuck: bool = False
    code: str = ""
    reason: str = ""


@dataclass
class FunctionQueries:
    """What concerns one function. `unneeded` are names that its module may no longer need.

    `hands_on`: some edits hand a session to a function whose query is translated.
    """

    edits: list[AnyEdit] = field(default_factory=list)
    imports: set[ImportChange] = field(default_factory=set)
    unneeded: set[str] = field(default_factory=set)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    chains: list[Chain] = field(default_factory=list)
    hands_on: bool = False


@dataclass(frozen=True)
class QueryPlan:
    """Functions without a query are not in `functions`."""

    functions: dict[Function, FunctionQueries]

    @property
    def chains(self) -> list[Chain]:
        """All chains, function by function, in source order."""
        return [chain for found in self.functions.values() for chain in found.chains]

    @property
    def diagnostics(self) -> dict[Function, list[Diagnostic]]:
        """What is to be said, per function that something is to be said about."""
        found = self.functions.items()
        return {function: item.diagnostics for function, item in found if item.diagnostics}
