"""What one run of the linter reports."""

from __future__ import annotations

import enum

import msgspec

from migrate_async.model.diagnostic import Diagnostic
from migrate_async.model.finding import Finding
from migrate_async.model.summary import ChangedFile


class FixMode(enum.Enum):
    """What becomes of the fixes: nothing, a patch, or they are written."""

    NONE = "none"
    DIFF = "diff"
    WRITE = "write"


class Selection(msgspec.Struct, frozen=True):
    """Which rules the command line asks for; an empty `select` leaves the settings in force."""

    select: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


class LintResult(msgspec.Struct, frozen=True, kw_only=True):
    """Findings and messages, in order. Holds no time, so that equal runs give equal results.

    Of the findings that are not in `findings`, `suppressed` are taken away by a comment,
    `baselined` are known to the baseline, `hidden` are less sure than what is shown and
    `unchanged` are at lines that did not change.

    `files_unread` counts the files that no database code reaches (the setting `reach`).

    `changed` are the files that fixes change or comments go into, `fixed` and `commented` the
    numbers of findings that this settles. `written` says that it is on disk and `journal` names
    the record that `undo` reads; `patch` is one patch of all changes, if one was asked for.
    """

    findings: tuple[Finding, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    files_read: int = 0
    files_unread: int = 0
    suppressed: int = 0
    baselined: int = 0
    hidden: int = 0
    unchanged: int = 0
    changed: tuple[ChangedFile, ...] = ()
    fixed: int = 0
    commented: int = 0
    written: bool = False
    journal: str = ""
    patch: str = ""

    @property
    def internal_errors(self) -> tuple[Diagnostic, ...]:
        """Messages that tell of a bug of ours (codes `MA9..`)."""
        return tuple(found for found in self.diagnostics if found.code.startswith("MA9"))
