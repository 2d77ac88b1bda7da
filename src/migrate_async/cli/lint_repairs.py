"""What the fix of each finding would do to its file, for reports that offer fixes."""

from __future__ import annotations

from collections.abc import Mapping

from migrate_async.cli.progress import Progress
from migrate_async.cli.rewriting import rewrite
from migrate_async.lint.fixes import make_plan
from migrate_async.model.change import FileChange, Repair
from migrate_async.model.finding import Applicability, Finding
from migrate_async.model.lint import LintResult
from migrate_async.model.syntax import Span
from migrate_async.source.lines import Difference, difference, split_lines
from migrate_async.source.read import SourceFile


def repairs(result: LintResult, sources: Mapping[str, SourceFile]) -> dict[str, Repair]:
    """The repairs by the fingerprint of their findings.

    A fix that fails has none: `lint --fix` says why. Nothing is written.
    """
    found = {}
    for finding in result.findings:
        change = fixed(finding, sources[finding.path]) if finding.fix is not None else None
        if change is not None:
            found[finding.fingerprint] = _repair(finding, change)
    return found


def fixed(finding: Finding, source: SourceFile) -> FileChange | None:
    """`source` with the fix of `finding` alone, verified; None when it has none that works."""
    made = make_plan([finding], lambda _: source.digest, unsafe=True)
    changes = rewrite(made.plan, {source.path: source}, 1, Progress()) if made.fixed else ()
    return next((change for change in changes if change.changed), None)


def title(finding: Finding) -> str:
    """What the fix of `finding` is called; unsafe ones say so."""
    if finding.fix is None:
        return ""
    is_safe = finding.fix.applicability == Applicability.SAFE.value
    return f"{finding.code}: {finding.fix.title}{'' if is_safe else ' (unsafe)'}"


def _repair(finding: Finding, change: FileChange) -> Repair:
    before = split_lines(change.before)
    found = difference(before, split_lines(change.after))
    return Repair(title(finding), _span(found, before), "".join(found.lines))


def _span(found: Difference, before: list[str]) -> Span:
    ends_early = bool(before) and found.end == len(before) and not before[-1].endswith(_ENDS)
    end = (len(before), len(before[-1])) if ends_early else (found.end + 1, 0)
    return (found.first + 1, 0, *end)


_ENDS = ("\n", "\r")
