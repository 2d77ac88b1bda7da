"""Compare two profiles, test by test."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec

from migrate_async.model.comparison import Comparison, Difference, DifferenceKind
from migrate_async.model.profile import Profile, RecordedTest
from migrate_async.recording.comparing import normal
from migrate_async.recording.comparing.causes import CAUSES, Explained, Left, limit
from migrate_async.recording.comparing.items import Item, executed, same_values
from migrate_async.recording.comparing.needless import needless_loads

UNEXPLAINED = "unexplained"
MOVED = "moved-into-test"
_AWAITED = "awaitable_attrs"
_REASONS: dict[DifferenceKind, str] = {
    "added": "no known cause for this statement",
    "lost": "no known cause for its absence",
    "changed": "another statement at the same point",
    "parameters": "other parameters",
}


def compare(before: Profile, after: Profile) -> Comparison:
    """The differences of all tests that both profiles have; SQL outside of tests is left out."""
    old = {test.test: test for test in before.tests if test.test}
    new = {test.test: test for test in after.tests if test.test}
    outside = _outside(before)
    differences: list[Difference] = []
    equal = 0
    for name in sorted(old.keys() & new.keys()):
        sides = (old[name], before.statements), (new[name], after.statements)
        found = _merged(_differences(name, *sides, outside))
        equal += not found
        differences += _unstable(found) if not (old[name].stable and new[name].stable) else found
    return Comparison(
        compared=len(old.keys() & new.keys()),
        equal=equal,
        only_before=tuple(sorted(old.keys() - new.keys())),
        only_after=tuple(sorted(new.keys() - old.keys())),
        differences=tuple(differences),
        lazy_before=_count(before, is_awaited=False),
        lazy_after=_count(after, is_awaited=False),
        awaited=_count(after, is_awaited=True),
        needless=needless_loads(differences),
    )


def _outside(profile: Profile) -> frozenset[str]:
    """What ran outside of tests, when a module was imported for instance."""
    tests = [test for test in profile.tests if not test.test]
    found = {profile.statements[run.statement] for test in tests for run in test.executions}
    return frozenset(normal.comparable(sql) for sql in found if not normal.is_boundary(sql))


def _count(profile: Profile, *, is_awaited: bool) -> int:
    return sum(load.count for load in profile.loads if (load.via == _AWAITED) is is_awaited)


_Side = tuple[RecordedTest, Mapping[str, str]]


def _differences(
    test: str, before: _Side, after: _Side, outside: frozenset[str]
) -> Iterator[Difference]:
    old, new = executed(*before), executed(*after)
    yield from _writes(test, old.writes, new.writes, outside)
    yield from _reads(test, old.reads, new.reads, outside)


def _writes(
    test: str, before: Sequence[Item], after: Sequence[Item], outside: frozenset[str]
) -> Iterator[Difference]:
    """They have to be the same, in the same order."""
    matcher = difflib.SequenceMatcher(
        None, [item.key for item in before], [item.key for item in after], autojunk=False
    )
    for tag, start, end, new_start, new_end in matcher.get_opcodes():
        if tag == "equal":
            pairs = zip(before[start:end], after[new_start:new_end], strict=True)
            yield from (_parameters(test, *pair) for pair in pairs if not _have_same_values(*pair))
            continue
        yield from (_unexplained(test, "lost", item) for item in before[start:end])
        yield from _added(test, after[new_start:new_end], outside)


def _added(test: str, items: Sequence[Item], outside: frozenset[str]) -> Iterator[Difference]:
    """A transaction of what ran outside of tests before is known, its end included."""
    statements = [item for item in items if not normal.is_boundary(item.sql)]
    is_known = bool(statements) and all(item.key in outside for item in statements)
    for item in items:
        yield _moved(test, item) if is_known else _unexplained(test, "added", item)


def _reads(
    test: str, before: Sequence[Item], after: Sequence[Item], outside: frozenset[str]
) -> Iterator[Difference]:
    """They have to be the same, in any order."""
    left = Left(
        before=list(before),
        after=list(after),
        lazy_tables=_tables(item for item in before if item.cause == "lazy"),
        eager_tables=_tables(item for item in after if _is_eager(item)),
    )
    for _pair in left.pairs(_are_the_same):
        pass
    yield from (_explained(test, found) for found in limit(left))
    for _pair in left.pairs(_are_equal):
        pass
    for cause in CAUSES:
        yield from (_explained(test, found) for found in cause(left))
    for one, other in left.pairs(lambda one, other: one.key == other.key):
        yield _parameters(test, one, other)
    yield from (_unexplained(test, "lost", item) for item in left.before)
    for item in left.after:
        yield from _added(test, [item], outside)


def _explained(test: str, found: Explained) -> Difference:
    return Difference(
        test=test,
        kind=found.kind,
        cause=found.cause,
        reason=found.reason,
        statement=found.item.sql,
        before=found.before.sql if found.before is not None else "",
        at=found.item.at,
    )


def _tables(items: Iterable[Item]) -> frozenset[str]:
    return frozenset(table for item in items for table in normal.tables(item.key))


def _is_eager(item: Item) -> bool:
    return item.cause == "eager" or " LEFT OUTER JOIN " in item.key


def _are_the_same(one: Item, other: Item) -> bool:
    """Not a query and the refresh of what it gave, which read alike."""
    return one.cause == other.cause and _are_equal(one, other)


def _are_equal(one: Item, other: Item) -> bool:
    return one.key == other.key and _have_same_values(one, other)


def _have_same_values(one: Item, other: Item) -> bool:
    return same_values(one.rows, other.rows)


def _unexplained(test: str, kind: DifferenceKind, item: Item) -> Difference:
    return Difference(
        test=test,
        kind=kind,
        cause=UNEXPLAINED,
        reason=_REASONS[kind],
        statement=item.sql,
        at=item.at,
    )


def _moved(test: str, item: Item) -> Difference:
    reason = "it ran outside of tests before, and now when the application starts"
    return Difference(
        test=test, kind="added", cause=MOVED, reason=reason, statement=item.sql, at=item.at
    )


def _parameters(test: str, one: Item, other: Item) -> Difference:
    return Difference(
        test=test,
        kind="parameters",
        cause=UNEXPLAINED,
        reason=_REASONS["parameters"],
        statement=other.sql,
        values=(_shown(one), _shown(other)),
        at=other.at,
    )


def _shown(item: Item) -> str:
    return "; ".join(f"({', '.join(row)})" for row in item.rows)


def _merged(differences: Iterable[Difference]) -> list[Difference]:
    """Sorted; those that differ in nothing are one, with their number."""
    counts: dict[Difference, int] = {}
    for found in differences:
        counts[found] = counts.get(found, 0) + 1
    return [msgspec.structs.replace(found, count=counts[found]) for found in sorted(counts)]


def _unstable(differences: Iterable[Difference]) -> list[Difference]:
    """A test that runs other statements each time cannot tell what a migration changed."""
    told: Callable[[Difference], Difference] = lambda found: msgspec.structs.replace(  # noqa: E731
        found, cause="unstable", reason="the test differs between recordings of the same code"
    )
    return [found if found.is_explained else told(found) for found in differences]
