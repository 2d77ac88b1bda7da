"""What a run of the linter is asked for, and what it gives."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from migrate_async.lint.rule import Rule
from migrate_async.lint.selection import Selection
from migrate_async.model.lint import FixMode, LintResult

if TYPE_CHECKING:
    from migrate_async.source.read import SourceFile


class Ratchet(enum.Enum):
    """What becomes of the baseline: it is held against the findings, or brought up to date."""

    CHECK = "check"
    UPDATE = "update"
    PRUNE = "prune"


@dataclass(frozen=True)
class LintRequest:
    """What one run is asked for.

    `baseline` takes the place of the file in the settings; `instead` has the content of files that
    are not to be read from disk; `noqa`, if not None, asks for comments with that reason beside
    all findings.
    """

    selection: Selection = field(default_factory=Selection)
    strict: bool = False
    since: str = ""
    baseline: Path | None = None
    ratchet: Ratchet = Ratchet.CHECK
    fix: FixMode = FixMode.NONE
    unsafe: bool = False
    noqa: str | None = None
    instead: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class LintRun:
    """What is reported of the project at `root`, its files, and the rules that ran."""

    root: Path
    result: LintResult
    sources: Mapping[str, SourceFile]
    rules: tuple[type[Rule], ...]
