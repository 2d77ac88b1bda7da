"""Eager loads that the migration added and that no test of the run needed."""

from __future__ import annotations

from collections.abc import Iterable

from migrate_async.model.comparison import Difference, NeedlessLoad
from migrate_async.recording.comparing import normal
from migrate_async.recording.comparing.causes import EAGER, NEEDLESS


def needless_loads(differences: Iterable[Difference]) -> tuple[NeedlessLoad, ...]:
    """Those that are needless in each test in which they ran.

    What one test needs of a query is there in all others that run the query, too.
    """
    texts: dict[tuple[str, str], str] = {}
    tests: dict[tuple[str, str], set[str]] = {}
    needed: set[tuple[str, str]] = set()
    for found in differences:
        if found.cause not in EAGER or found.kind == "lost":
            continue
        key = (found.at, normal.without_length(normal.comparable(found.statement)))
        texts.setdefault(key, found.statement)
        tests.setdefault(key, set()).add(found.test)
        if found.cause != NEEDLESS:
            needed.add(key)
    return tuple(
        NeedlessLoad(at=key[0], statement=texts[key], tests=len(tests[key]))
        for key in sorted(texts.keys() - needed)
    )
