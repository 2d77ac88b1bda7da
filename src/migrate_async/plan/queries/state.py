"""What is known about a query at a place: which entities, which steps, which session.

States are values. Where two paths meet they are merged; a merged state holds what is true on both
(`must`) and what may be true on one (`may`).
"""

from __future__ import annotations

import enum
from collections.abc import Hashable
from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace

from migrate_async.index.scopes import Class, Function
from migrate_async.model import syntax as s


class Shape(enum.Enum):
    """What the elements of the result are."""

    ENTITY = "entity"
    ROWS = "rows"
    UNKNOWN = "unknown"
    MIXED = "mixed"
    """Objects on one path, rows on another."""


class Item(msgspec.Struct, frozen=True):
    """One element of the list of entities.

    `kind` is that of `index.types.Entity`. `source` names what its rows come from (`SOURCE_*`
    below), `expr` is the element as written in `function`.
    """

    kind: str
    expr: s.Expr
    function: Function
    model: Class | None = None
    name: str = ""
    source: str = ""
    hashable: bool = True
    labelled: bool = True

    @property
    def is_entity(self) -> bool:
        return self.kind in ("class", "alias", "class-variable")


UNKNOWN_SOURCE = "?"


@dataclass(frozen=True)
class SessionRef:
    """The expression `text` that names the session, as code of `function` reads it."""

    function: Function
    text: str
    expr: s.Expr | None = field(default=None, compare=False)
    new_for: str = ""
    """If given, the parameter `text` has to be added to `function` first: the session of the
    query that its parameter `new_for` gets."""
    is_owner: bool = False
    """Whether `text` names an object whose session is meant."""


class Target(msgspec.Struct, frozen=True):
    """What `filter_by()` filters. No `text`: it has no name in `function`; no model: unknown."""

    function: Function
    text: str = ""
    model: Class | None = None


class QueryState(msgspec.Struct, frozen=True):
    """See the module. `items` is None when the list of entities is not known."""

    items: tuple[Item, ...] | None
    shape: Shape
    origins: frozenset[Hashable]
    may: frozenset[str] = frozenset()
    must: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    """What rows come from besides the items: names of classes, aliases, or `UNKNOWN_SOURCE`."""
    full: bool | None = None
    """Whether a full entity is among the items: `Query` makes such rows unique. None: unknown."""
    eager: bool = False
    """Whether a collection may be loaded by JOIN along with the rows."""
    pins: frozenset[str] = frozenset()
    """Columns of the first item that criteria surely hold to one value that is not NULL."""
    target: Target | None = None
    """None: the first entity."""
    session: SessionRef | None = None

    def at(self, origin: Hashable) -> QueryState:
        """The same query seen from another place."""
        return replace(self, origins=frozenset({origin}))

    @property
    def entity(self) -> Item | None:
        """The single entity, if there is exactly one item and it is one."""
        if self.items is None or len(self.items) != 1 or not self.items[0].is_entity:
            return None
        return self.items[0]


def merge(one: QueryState, other: QueryState) -> QueryState:
    """What holds whichever of the two it is."""
    if one == other:
        return one
    shape = one.shape if one.shape is other.shape else _mixed(one.shape, other.shape)
    return QueryState(
        items=_merge_items(one.items, other.items),
        shape=shape,
        origins=one.origins | other.origins,
        may=one.may | other.may,
        must=one.must & other.must,
        sources=one.sources | other.sources,
        full=one.full if one.full == other.full else None,
        eager=one.eager or other.eager,
        pins=one.pins & other.pins,
        target=_merge_targets(one.target, other.target),
        session=one.session if one.session == other.session else None,
    )


def _mixed(one: Shape, other: Shape) -> Shape:
    return Shape.UNKNOWN if Shape.UNKNOWN in (one, other) else Shape.MIXED


def _merge_targets(one: Target | None, other: Target | None) -> Target | None:
    if one == other:
        return one
    known = one or other
    return None if known is None else Target(known.function)


def _merge_items(
    one: tuple[Item, ...] | None, other: tuple[Item, ...] | None
) -> tuple[Item, ...] | None:
    if one is None or other is None or len(one) != len(other):
        return None
    pairs = list(zip(one, other, strict=True))
    if all(
        (a.kind, a.model, a.name, a.source) == (b.kind, b.model, b.name, b.source) for a, b in pairs
    ):
        return one
    if len(pairs) == 1 and one[0].is_entity and other[0].is_entity:
        return (replace(one[0], model=None, source=UNKNOWN_SOURCE),)
    return None


class Binding(msgspec.Struct, frozen=True):
    """What a name may hold: a query in `state`, None, or (`other`) anything else."""

    state: QueryState | None = None
    none: bool = False
    other: bool = False


def merge_bindings(one: Binding, another: Binding) -> Binding:
    if one.state is None or another.state is None:
        state = one.state or another.state
    else:
        state = merge(one.state, another.state)
    return Binding(state, one.none or another.none, one.other or another.other)
