"""What `verify` found in a tree."""

from __future__ import annotations

import msgspec

from migrate_async.model.diagnostic import Diagnostic


class TypeComparison(msgspec.Struct, frozen=True, kw_only=True):
    """What a type checker says of the tree, compared with what it said of an older one.

    `baseline` is `head` or `journal`. `new` are the errors that the older tree does not have;
    lines that only moved make no error new. `skipped` says why there was no comparison, if so.
    """

    tool: str
    baseline: str = ""
    errors_before: int = 0
    errors_after: int = 0
    new: tuple[Diagnostic, ...] = ()
    skipped: str = ""


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """The messages of the static checks and, when one was asked for, of a type checker."""

    diagnostics: tuple[Diagnostic, ...] = ()
    types: TypeComparison | None = None

    @property
    def has_findings(self) -> bool:
        return bool(self.diagnostics) or (self.types is not None and bool(self.types.new))
