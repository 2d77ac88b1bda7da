"""Why statements differ: what the codemods add, and what an async session no longer does.

A cause is a function that is given what is left over of a test's reads, takes what it explains out
of there and says what it took.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from migrate_async.model.comparison import DifferenceKind
from migrate_async.recording.comparing import normal
from migrate_async.recording.comparing.items import Item, Rows, same_values

NEEDLESS = "needless-eager-load"
EAGER = frozenset({"eager-load", "joined-eager-load", NEEDLESS})
_UNTOUCHED = "an eager load of what this test did not touch before"


@dataclass
class Left:
    """Reads that only one side has, in the order of the test."""

    before: list[Item]
    after: list[Item]
    lazy_tables: frozenset[str]
    """Tables of all lazy loads that the test did before."""
    eager_tables: frozenset[str]
    """Tables that eager loads of the migrated test read, by a statement of their own or a JOIN."""

    def take_before(self, wanted: Callable[[Item], bool]) -> list[Item]:
        taken = [item for item in self.before if wanted(item)]
        self.before = [item for item in self.before if not wanted(item)]
        return taken

    def take_after(self, wanted: Callable[[Item], bool]) -> list[Item]:
        taken = [item for item in self.after if wanted(item)]
        self.after = [item for item in self.after if not wanted(item)]
        return taken

    def pairs(self, match: Callable[[Item, Item], bool]) -> Iterator[tuple[Item, Item]]:
        """Take pairs of one before and one after that match."""
        for one in list(self.before):
            other = next((item for item in self.after if match(one, item)), None)
            if other is not None:
                self.before.remove(one)
                self.after.remove(other)
                yield one, other


@dataclass(frozen=True)
class Explained:
    """`kind` is `added`, `lost` or `changed`; `before` is there for what changed."""

    kind: DifferenceKind
    cause: str
    reason: str
    item: Item
    before: Item | None = None


Cause = Callable[[Left], Iterable[Explained]]


def limit(left: Left) -> Iterator[Explained]:
    """A LIMIT that one side alone has, with the same statement otherwise."""
    for one, other in left.pairs(_differ_in_limit):
        is_added = len(other.key) > len(one.key)
        reason = (
            "a LIMIT was added: no more rows were read before"
            if is_added
            else "the LIMIT is gone: at most one row can match"
        )
        yield Explained("changed", "limit", reason, other, one)


def _differ_in_limit(one: Item, other: Item) -> bool:
    """Whether one has a LIMIT of one row, and that is all."""
    if one.cause != other.cause or one.key == other.key:
        return False
    if normal.without_limit(one.key) != normal.without_limit(other.key):
        return False
    shorter, longer = sorted([one.rows, other.rows], key=lambda rows: len(_first(rows)))
    kept = len(_first(shorter))
    is_first_row = _first(longer)[kept : kept + 1] == ("1",)
    return is_first_row and same_values((_first(shorter),), (_first(longer)[:kept],))


def _first(rows: Rows) -> tuple[str, ...]:
    return rows[0] if rows else ()


def joined(left: Left) -> Iterator[Explained]:
    """An eager load by JOIN: the statement reads more tables, with the same parameters."""
    for one, other in left.pairs(_is_joined):
        if (normal.tables(other.key) - normal.tables(one.key)) & left.lazy_tables:
            reason = "an eager load was added to the statement, as a JOIN"
            yield Explained("changed", "joined-eager-load", reason, other, one)
        else:
            yield Explained("changed", NEEDLESS, _UNTOUCHED, other, one)


def _is_joined(one: Item, other: Item) -> bool:
    more = normal.tables(other.key) - normal.tables(one.key)
    is_superset = normal.tables(one.key) <= normal.tables(other.key)
    return (
        bool(more)
        and is_superset
        and " LEFT OUTER JOIN " in other.key
        and same_values(one.rows, other.rows)
    )


def eager(left: Left) -> Iterator[Explained]:
    """An eager load by a statement of its own."""
    for item in left.take_after(lambda item: item.cause == "eager"):
        if normal.tables(item.key) & left.lazy_tables:
            yield Explained("added", "eager-load", "an eager load in place of lazy ones", item)
        else:
            yield Explained("added", NEEDLESS, _UNTOUCHED, item)


def saved(left: Left) -> Iterator[Explained]:
    """Lazy loads that an eager load made needless."""
    for item in left.take_before(lambda item: _is_covered(item, left)):
        yield Explained("lost", "eager-load", "an eager load in place of lazy ones", item)


def _is_covered(item: Item, left: Left) -> bool:
    return item.cause == "lazy" and normal.tables(item.key) <= left.eager_tables


def in_the_session(left: Left) -> Iterator[Explained]:
    """Objects that `get()` finds in the session, because an eager load has put them there."""
    for item in left.take_before(lambda item: _is_loaded(item, left)):
        reason = "get() finds in the session what an eager load has fetched"
        yield Explained("lost", "in-the-session", reason, item)


def _is_loaded(item: Item, left: Left) -> bool:
    return item.cause == "get" and normal.tables(item.key) <= left.eager_tables


def still_loaded(left: Left) -> Iterator[Explained]:
    """Values that a commit or rollback expired, and that an async session keeps."""
    for item in left.take_before(_is_after_expiry):
        reason = "not expired by the commit before it (expire_on_commit=False)"
        yield Explained("lost", "kept-after-commit", reason, item)


def _is_after_expiry(item: Item) -> bool:
    return item.after_end and item.cause in ("lazy", "refresh")


def refreshed(left: Left) -> Iterator[Explained]:
    """`refresh()` that the codemods add after a commit."""
    for item in left.take_after(lambda item: item.after_end and item.cause == "refresh"):
        reason = "a refresh after the commit, in place of what it expired"
        yield Explained("added", "refresh", reason, item)


CAUSES: tuple[Cause, ...] = (
    joined,
    eager,
    saved,
    in_the_session,
    still_loaded,
    refreshed,
)
"""In the order in which they are asked, after `limit`."""
