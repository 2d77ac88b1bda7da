"""How far a migration is: what `status` computes, and what it remembers from day to day."""

from __future__ import annotations

import enum
from collections.abc import Iterable

import msgspec


class State(enum.Enum):
    """Where a function, or a route with all that it needs, stands.

    `ASYNC`: it works on async sessions alone. `BRIDGED`: it is a coroutine that reaches sync code
    through `run_sync` or a thread. `MIXED`: it is a coroutine that runs sync database code itself.
    `SYNC`: it has not migrated. `PLAIN`: it has nothing to do with the database.
    """

    ASYNC = "async"
    BRIDGED = "bridged"
    MIXED = "mixed"
    SYNC = "sync"
    PLAIN = "plain"


class RouteStatus(msgspec.Struct, frozen=True, order=True):
    """A route; `state` is the `State` of its function and of all dependencies together."""

    path: str
    line: int
    function: str
    url: str
    methods: tuple[str, ...]
    state: str


class ModuleStatus(msgspec.Struct, frozen=True, order=True):
    """The database functions of one module by state, and its query chains."""

    path: str
    migrated: int = 0
    bridged: int = 0
    left: int = 0
    chains: int = 0

    @property
    def functions(self) -> int:
        return self.migrated + self.bridged + self.left

    @property
    def done(self) -> float:
        """Per cent of the functions that are async, with or without a bridge."""
        return percentage(self.migrated + self.bridged, self.functions)


class Use(msgspec.Struct, frozen=True, order=True):
    """A place that is there for the time of the migration only.

    `kind` is `run_sync` or `thread` for a bridge, else the name of what is used of the shim.
    """

    path: str
    line: int
    kind: str
    function: str
    text: str = ""


class Blocker(msgspec.Struct, frozen=True, order=True, kw_only=True):
    """What keeps database code sync, the graver first: more routes wait for it."""

    routes: int
    path: str
    line: int
    function: str
    reason: str


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """How far the migration is. Tests do not count.

    `lint` has the number of findings for each code of the linter, if it was run.
    """

    project: str = ""
    routes: tuple[RouteStatus, ...] = ()
    modules: tuple[ModuleStatus, ...] = ()
    bridges: tuple[Use, ...] = ()
    shims: tuple[Use, ...] = ()
    blockers: tuple[Blocker, ...] = ()
    lint: dict[str, int] = {}

    @property
    def functions(self) -> int:
        return sum(module.functions for module in self.modules)

    @property
    def functions_left(self) -> int:
        return sum(module.left for module in self.modules)

    @property
    def chains(self) -> int:
        return sum(module.chains for module in self.modules)

    @property
    def done(self) -> float:
        """Per cent of the database functions that are async; 100 when there are none."""
        return percentage(self.functions - self.functions_left, self.functions)

    def routes_in(self, *states: State) -> int:
        values = {state.value for state in states}
        return sum(route.state in values for route in self.routes)

    @property
    def database_routes(self) -> int:
        return len(self.routes) - self.routes_in(State.PLAIN)


class Snapshot(msgspec.Struct, frozen=True, order=True, kw_only=True, omit_defaults=True):
    """One line of the state file: the numbers of one day. Dates are ISO 8601, in UTC."""

    date: str
    commit: str = ""
    done: float = 0
    routes: int = 0
    routes_left: int = 0
    functions: int = 0
    functions_left: int = 0
    chains: int = 0
    bridges: int = 0
    shims: int = 0
    blockers: int = 0
    lint: int = 0


def snapshot(status: Status, date: str, commit: str) -> Snapshot:
    """The numbers of `status`."""
    return Snapshot(
        date=date,
        commit=commit,
        done=status.done,
        routes=status.database_routes,
        routes_left=status.routes_in(State.SYNC, State.MIXED),
        functions=status.functions,
        functions_left=status.functions_left,
        chains=status.chains,
        bridges=len(status.bridges),
        shims=len(status.shims),
        blockers=len(status.blockers),
        lint=sum(status.lint.values()),
    )


def percentage(part: int, whole: int) -> float:
    """`part` of `whole` in per cent, cut to one decimal: 100 only when all is done."""
    return 100.0 if part >= whole else int(1000 * part / whole) / 10


def latest_of_each_day(snapshots: Iterable[Snapshot]) -> tuple[Snapshot, ...]:
    """The last one of each date, by date."""
    by_date = {item.date: item for item in snapshots}
    return tuple(by_date[date] for date in sorted(by_date))
