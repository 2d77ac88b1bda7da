"""The values: a resource, and what becomes of it along the paths of its function."""

from __future__ import annotations

import dataclasses
import enum

import msgspec

from migrate_async.index.scopes import Function, Scope
from migrate_async.lint.flow.graph import Step, Way
from migrate_async.model import syntax as s


class Resource(msgspec.Struct, frozen=True, eq=False):
    """Something that `node`, an expression of `function`, opens and somebody has to close.

    `noun` names it in messages; `family` is `session`, `connection`, `cursor`, `transaction` or
    `engine`. `via` says how it is opened: `factory`, `class`, `resolver`, `next`, `helper`,
    `connect`, `raw`, `driver`, `cursor`, `begin`, `create`. `closers` are what closes it;
    `origin` is the resource that a helper opens, or the connection of a cursor.
    """

    node: s.Call
    function: Function
    scope: Scope
    noun: str
    family: str
    via: str
    closers: frozenset[str]
    origin: Resource | None = None


class Handover(enum.Enum):
    """What a piece of code does with the resource that it is given."""

    USE = "use"
    """Works with it and leaves it open."""
    CLOSE = "close"
    """Closes it, or enters it as a context manager."""
    NAME = "name"
    """Gives it a local name."""
    RETURN = "return"
    """Hands it to the caller."""
    YIELD = "yield"
    """Lends it to the consumer of a generator."""
    STORE = "store"
    """Puts it into an attribute, a global or a subscript."""
    CONTAIN = "contain"
    """Puts it into a list, tuple or dict that lives on."""
    CAPTURE = "capture"
    """A nested function or lambda holds it."""
    KEEP = "keep"
    """Gives it to a function or object that keeps it."""
    DROP = "drop"
    """Uses it in passing; nobody holds it afterwards."""
    UNKNOWN = "unknown"
    """Gives it to a function about which nothing is known."""


ESCAPES = frozenset(
    {Handover.RETURN, Handover.STORE, Handover.CONTAIN, Handover.CAPTURE, Handover.KEEP}
)


class Event(msgspec.Struct, frozen=True, eq=False):
    """Something that happens to a resource at `node`."""

    handover: Handover
    node: s.AnyNode
    names: tuple[str, ...] = ()
    """The local names given, for `NAME`."""


class LeakKind(enum.Enum):
    """On which kind of path a resource stays open."""

    DROPPED = "dropped"
    """Nobody holds it right after it was opened."""
    RETURN = "return"
    END = "end"
    REBOUND = "rebound"
    """The last name is given to something else."""
    ERROR = "error"


@dataclasses.dataclass(frozen=True, eq=False)
class Leak:
    """One way for the resource to stay open. `path` are the steps from opening to leaking."""

    kind: LeakKind
    node: s.AnyNode | None
    """Where it happens: the `return`, the statement that raises, the new assignment."""
    path: tuple[tuple[Step, Way], ...]
    is_doubtful: bool
    """The path goes round an `if` that is there to close the resource, or what raises on it is
    itself cleaning up, in a `finally` or `except` block; or on it a session is not used yet, so
    that it has no connection."""


@dataclasses.dataclass(frozen=True, eq=False)
class Fate:
    """Everything that becomes of one resource."""

    resource: Resource
    leaks: tuple[Leak, ...]
    events: tuple[Event, ...]

    def has(self, *handovers: Handover) -> bool:
        """Whether one of `handovers` happens somewhere."""
        return any(event.handover in handovers for event in self.events)

    def first(self, *handovers: Handover) -> Event | None:
        """The first event of one of these kinds, by place."""
        found = [event for event in self.events if event.handover in handovers]
        return min(found, key=_line, default=None)

    @property
    def is_closed_somewhere(self) -> bool:
        return self.has(Handover.CLOSE)

    @property
    def escapes(self) -> bool:
        """Whether somebody else holds it on some path."""
        return any(event.handover in ESCAPES for event in self.events)


def _line(event: Event) -> tuple[int, int]:
    return (getattr(event.node, "line", 0), getattr(event.node, "col", 0))
