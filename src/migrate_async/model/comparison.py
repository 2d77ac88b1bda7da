"""How the SQL of tests differs between two profiles: of legacy code, and of what became of it."""

from __future__ import annotations

from typing import Literal

import msgspec

DifferenceKind = Literal["added", "lost", "changed", "parameters"]


class Difference(msgspec.Struct, frozen=True, order=True, kw_only=True):
    """Statements of one test that only one profile has, or that differ.

    `cause` is a stable code, `unexplained` when nothing known causes it, and `reason` says it in
    words. `statement` is the text in the profile after the migration (for `lost`: before it),
    `before` the legacy text where the two differ; `at` is `path:line` of the same profile. `values`
    are the parameters, before and now, where they differ.
    """

    test: str
    kind: DifferenceKind
    cause: str
    reason: str
    statement: str
    before: str = ""
    values: tuple[str, ...] = ()
    at: str = ""
    count: int = 1

    @property
    def is_explained(self) -> bool:
        return self.cause != "unexplained"


class NeedlessLoad(msgspec.Struct, frozen=True, order=True, kw_only=True):
    """The eager load `statement` at `at` ran in `tests` tests, none of which needed it before."""

    at: str
    statement: str
    tests: int


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """`compared` tests are in both profiles, `equal` of them execute the same.

    `only_before` and `only_after` are tests that one profile alone has. `lazy_before` and
    `lazy_after` count implicit lazy loads, `awaited` those that the migrated code awaits.
    `needless` are the eager loads that were added and that no test needed.
    """

    compared: int = 0
    equal: int = 0
    only_before: tuple[str, ...] = ()
    only_after: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    lazy_before: int = 0
    lazy_after: int = 0
    awaited: int = 0
    needless: tuple[NeedlessLoad, ...] = ()

    @property
    def unexplained(self) -> tuple[Difference, ...]:
        return tuple(found for found in self.differences if not found.is_explained)

    @property
    def is_clean(self) -> bool:
        """Whether every difference has a known cause and no test is lost."""
        return not self.unexplained and not self.only_before
