"""What a run of the linter is asked for, and what it gives."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from migrate_async.cli.workspace import Workspace
from migrate_async.model.lint import FixMode, LintResult, Selection

if TYPE_CHECKING:
    from migrate_async.lint.rule import Rule
    from migrate_async.source.read import SourceFile


class Ratchet(enum.Enum):
    """What becomes of the baseline: it is held against the findings, or brought up to date."""

    CHECK = "check"
    UPDATE = "update"
    PRUNE = "prune"


@dataclass(frozen=True)
class LintRequest:
    """What one run is asked for.

    `baseline` takes the place of the file in the settings, `without_baseline` that of both;
    `instead` has the content of files that
    are not to be read from disk; `noqa`, if not None, asks for comments with that reason beside
    all findings.
    """

    selection: Selection = field(default_factory=Selection)
    strict: bool = False
    since: str = ""
    baseline: Path | None = None
    without_baseline: bool = False
    ratchet: Ratchet = Ratchet.CHECK
    fix: FixMode = FixMode.NONE
    unsafe: bool = False
    noqa: str | None = None
    instead: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class LintRun:
    """What is reported of the project at `root`, its files, and the rules that were chosen.

    `choose` loads the rules, which a result from the cache is told without.
    """

    root: Path
    result: LintResult
    sources: Mapping[str, SourceFile]
    choose: Callable[[], tuple[type[Rule], ...]]

    @cached_property
    def rules(self) -> tuple[type[Rule], ...]:
        return self.choose()


def baseline_file(workspace: Workspace, request: LintRequest) -> Path | None:
    """The file of the baseline: that of the request, else that of the settings, or none."""
    if request.without_baseline:
        return None
    configured = workspace.settings.lint.baseline
    return request.baseline or (workspace.root / configured if configured else None)
