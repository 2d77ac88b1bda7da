"""Leave out the findings that a comment of the file is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from migrate_async.index.scopes import Module
from migrate_async.lint.comments import Suppression, suppressions
from migrate_async.lint.places import comment_lines
from migrate_async.model.finding import Finding


class Split(NamedTuple):
    """`unused` are the suppressions that no finding is at, by path."""

    kept: tuple[Finding, ...]
    suppressed: tuple[Finding, ...]
    unused: Mapping[str, tuple[Suppression, ...]]


def split(findings: Sequence[Finding], modules: Iterable[Module]) -> Split:
    """`findings` apart by whether a comment suppresses them."""
    by_path: dict[str, list[Finding]] = {}
    for finding in findings:
        by_path.setdefault(finding.path, []).append(finding)
    suppressed: set[int] = set()
    unused: dict[str, tuple[Suppression, ...]] = {}
    for module in modules:
        if module.syntax.suppressions:
            here = by_path.get(module.path, [])
            idle = _matched(module, here, suppressed)
            if idle:
                unused[module.path] = idle
    return Split(
        tuple(f for f in findings if id(f) not in suppressed),
        tuple(f for f in findings if id(f) in suppressed),
        unused,
    )


def _matched(
    module: Module, findings: Sequence[Finding], suppressed: set[int]
) -> tuple[Suppression, ...]:
    """Note the findings that are suppressed; the suppressions that suppress nothing."""
    lines = {id(f): comment_lines(module.syntax, f.span) for f in findings}
    idle = []
    for suppression in suppressions(module.syntax):
        hit = [id(f) for f in findings if _speaks_of(suppression, f, lines[id(f)])]
        suppressed.update(hit)
        if not hit:
            idle.append(suppression)
    return tuple(idle)


def _speaks_of(suppression: Suppression, finding: Finding, lines: frozenset[int]) -> bool:
    if suppression.code not in ("", finding.code):
        return False
    return suppression.whole_file or suppression.place.line in lines
