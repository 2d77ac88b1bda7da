"""What limits a colouring, and what ties functions to each other besides calls."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.sites import CallSite
from migrate_async.model import syntax as s
from migrate_async.model.plan import Reason
from migrate_async.plan.colouring.callbacks import Callbacks
from migrate_async.plan.colouring.contracts import Contracts
from migrate_async.plan.colouring.fixtures import FixtureSources
from migrate_async.plan.colouring.handed_sessions import HandedSessions
from migrate_async.plan.colouring.sharing import Sharing
from migrate_async.plan.decorator_copies import DecoratorCopies

Obstacle = Callable[[Function, Mapping[Function, Reason]], "Reason | None"]
"""Why a function cannot convert, given those that are coloured; None if nothing forbids it."""


@dataclass(frozen=True)
class Ties:
    """Who hands functions on, or sessions, whom an abstract method stands for, and fixtures."""

    callbacks: Callbacks
    handed: HandedSessions
    contracts: Contracts
    fixtures: FixtureSources

    @classmethod
    def of(cls, project: Project) -> Ties:
        """Those of `project`."""
        return cls(
            Callbacks(project), HandedSessions(project), Contracts(project), FixtureSources(project)
        )


@dataclass(frozen=True)
class Circumstances:
    """What is the same in all colourings of a run.

    Of the context managers `scopes` a sync copy can stand beside the async one, and of the
    `decorators`, for what they are on. `runs_loop` names
    the calls by which a sync function runs an event loop, if it does: not in a bridge, on a loop
    that runs. The `seeds` count as coloured whatever they do.
    """

    ties: Ties
    scopes: Container[Function]
    decorators: DecoratorCopies
    runs_loop: Callable[[Function], str]
    seeds: Mapping[Function, Reason] = field(default_factory=dict)


class Driven:
    """Functions that code which stays sync may call, with `call_async`: none."""

    def at(self, _site: CallSite, _function: Function) -> bool:
        """Whether a site may go on calling a function if its own function stays sync."""
        return False

    def calls(self, _stays: Callable[[Function], bool]) -> Iterator[CallSite]:
        """Those sites in what stays sync."""
        return iter(())

    def sessions(self, _kept: Iterable[Function]) -> Iterator[tuple[Function, s.Expr]]:
        """The sessions with which functions that are kept make such objects."""
        return iter(())

    def gives_async_side(self, _making: CallSite) -> bool:
        """Whether the object that a site makes gets an async session over a sync one."""
        return False

    def makes(self, _maker: Function, _function: Function) -> bool:
        """Whether `maker`, which stays sync, can make the object that `function` is a method of."""
        return False


@dataclass(frozen=True)
class Bounds:
    """What limits one colouring.

    `obstacle` says why a function cannot convert; functions that `ignore` accepts take no part and
    stay sync. The sync originals of those `beside` stay for callers that stay sync: what they call
    must serve both. Those `driven` convert whoever calls them.
    """

    circumstances: Circumstances
    obstacle: Obstacle
    sharing: Sharing
    ignore: Callable[[Function], bool]
    beside: frozenset[Function] = frozenset()
    driven: Driven = field(default_factory=Driven)
