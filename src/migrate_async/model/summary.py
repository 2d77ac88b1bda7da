"""What a `migrate` run did, or would do."""

from __future__ import annotations

import enum

import msgspec

from migrate_async.model.diagnostic import Diagnostic, Severity
from migrate_async.model.plan import FunctionDecision


class Mode(enum.Enum):
    """What becomes of the changes: printed as a patch, only counted, or written."""

    DIFF = "diff"
    CHECK = "check"
    WRITE = "write"


class ChangedFile(msgspec.Struct, frozen=True, order=True):
    """One file that changes; lines as a patch counts them."""

    path: str
    added: int
    removed: int
    codemods: tuple[str, ...] = ()


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one run. Holds no time, so that equal runs give equal summaries.

    `step` is a `model.plan.Step`, `mode` a `Mode`; `counts` are those of the plan. `kept` are the
    functions that the plan leaves sync, with their reasons. `written` says that the changes are
    on disk and `journal` names the record that `undo` reads.
    """

    step: str
    mode: str
    files_read: int = 0
    changed: tuple[ChangedFile, ...] = ()
    counts: dict[str, int] = {}
    kept: tuple[FunctionDecision, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    written: bool = False
    journal: str = ""

    @property
    def added(self) -> int:
        return sum(file.added for file in self.changed)

    @property
    def removed(self) -> int:
        return sum(file.removed for file in self.changed)

    @property
    def internal_errors(self) -> tuple[Diagnostic, ...]:
        """Diagnostics that tell of a bug of ours (codes `MA9..`)."""
        return tuple(found for found in self.diagnostics if found.code.startswith("MA9"))

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        return tuple(d for d in self.diagnostics if d.severity == Severity.ERROR.value)
