"""What one call of `record` reports: loads by attribute and place, and N+1 loads among them."""

from __future__ import annotations

import msgspec

from migrate_async.model.comparison import Comparison
from migrate_async.model.profile import Place


class LoadGroup(msgspec.Struct, frozen=True, order=True, kw_only=True):
    """Loads of one attribute at one place, of objects from one place, by whatever statement.

    `name` is `Model.attribute`; `kind`, `via`, `producer` (a `ProducerKind`) and `through` are as
    in a `LazyLoad`; `produced_at` is where the producing query or the new object is. `count` are
    all loads, `most` those that one execution of the query caused, `tests` the number of tests.
    """

    name: str
    kind: str
    place: Place
    via: str
    producer: str
    produced_at: Place
    through: tuple[str, ...]
    count: int
    most: int
    tests: int

    @property
    def is_repeated(self) -> bool:
        """Whether it is an N+1 load."""
        return self.producer == "query" and self.most > 1 and self.via != "awaitable_attrs"


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """The sums of a profile; `loads` are sorted, the most frequent first.

    `exit_code` is that of the command, None when none was run. `written` names the profile file,
    if one was written. `comparison` is there when one was asked for.
    """

    environments: tuple[str, ...] = ()
    tests: int = 0
    executions: int = 0
    statements: int = 0
    loads: tuple[LoadGroup, ...] = ()
    problems: tuple[str, ...] = ()
    exit_code: int | None = None
    written: str = ""
    comparison: Comparison | None = None

    @property
    def count(self) -> int:
        """All lazy loads."""
        return sum(load.count for load in self.loads)

    @property
    def repeated(self) -> tuple[LoadGroup, ...]:
        """N+1 loads, those with the most from one query first."""
        found = [load for load in self.loads if load.is_repeated]
        return tuple(sorted(found, key=lambda load: (-load.most, -load.count, load)))
