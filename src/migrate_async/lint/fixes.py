"""The fixes of findings as a plan, which the rewriting executes like any other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import NamedTuple

from migrate_async.model.finding import Applicability, Finding, Fix
from migrate_async.model.plan import AnyEdit, FilePlan, Plan, WrapStatements
from migrate_async.model.syntax import Span

STEP = "lint"
"""What such a plan has for a step."""


class FixPlan(NamedTuple):
    """`fixed` are the findings whose fixes are in `plan`, by path."""

    plan: Plan
    fixed: dict[str, tuple[Finding, ...]]


def is_wanted(finding: Finding, *, unsafe: bool) -> bool:
    """Whether `finding` has a fix that may be made."""
    fix = finding.fix
    return fix is not None and (unsafe or fix.applicability == Applicability.SAFE.value)


def make_plan(
    findings: Iterable[Finding],
    digest_of: Callable[[str], str],
    *,
    unsafe: bool = False,
    without: Collection[str] = (),
) -> FixPlan:
    """The fixes that can be made together, in the files that are not in `without`.

    Of fixes that overlap the first is taken; the others are for another round.
    """
    chosen: dict[str, list[Finding]] = {}
    taken: dict[str, list[Span]] = {}
    for finding in findings:
        if finding.path in without or not is_wanted(finding, unsafe=unsafe):
            continue
        spans = list(_spans(finding.fix)) if finding.fix else []
        before = taken.setdefault(finding.path, [])
        if not any(_overlap(a, b) for a in spans for b in before):
            before.extend(spans)
            chosen.setdefault(finding.path, []).append(finding)
    files = tuple(_file_plan(path, chosen[path], digest_of(path)) for path in sorted(chosen))
    fixed = {path: tuple(found) for path, found in chosen.items()}
    return FixPlan(Plan(step=STEP, files=files), fixed)


def _file_plan(path: str, findings: Iterable[Finding], digest: str) -> FilePlan:
    fixes = [finding.fix for finding in findings if finding.fix]
    return FilePlan(
        path=path,
        digest=digest,
        edits=tuple(sorted((edit for fix in fixes for edit in fix.edits), key=_position)),
        imports=tuple(dict.fromkeys(change for fix in fixes for change in fix.imports)),
        unneeded=tuple(dict.fromkeys(name for fix in fixes for name in fix.unneeded)),
    )


def _position(edit: AnyEdit) -> Span:
    return edit.span


def _spans(fix: Fix) -> Iterator[Span]:
    for edit in fix.edits:
        last = edit.until if isinstance(edit, WrapStatements) else edit.span
        yield (*edit.span[:2], *max(edit.span[2:], last[2:]))


def _overlap(one: Span, other: Span) -> bool:
    """Two places that share a character, or are one place."""
    return one[:2] == other[:2] or (one[:2] < other[2:] and other[:2] < one[2:])
