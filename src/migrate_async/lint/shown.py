"""Which findings are shown: what is sure enough, not known yet, and at lines that changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from migrate_async.lint.fingerprint import Identity
from migrate_async.lint.places import lines_of
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence, Finding

Changed = Mapping[str, Sequence[range]]
"""The lines of each file that changed."""


class Shown(msgspec.Struct, frozen=True):
    """`findings` are shown; the numbers say why others are not."""

    findings: tuple[Finding, ...]
    hidden: int = 0
    baselined: int = 0
    unchanged: int = 0


def choose(
    found: Sequence[tuple[Finding, Identity]],
    syntax_of: Callable[[str], s.ModuleSyntax],
    *,
    strict: bool,
    known: Collection[Identity] = (),
    changed: Changed | None = None,
) -> Shown:
    """What of `found` is shown; `changed` None: lines do not matter."""
    sure = [(f, i) for f, i in found if strict or f.confidence == Confidence.HIGH.value]
    new = [f for f, identity in sure if identity not in known]
    touched = [f for f in new if changed is None or _is_touched(f, changed, syntax_of)]
    return Shown(
        tuple(touched),
        hidden=len(found) - len(sure),
        baselined=len(sure) - len(new),
        unchanged=len(new) - len(touched),
    )


def _is_touched(
    finding: Finding, changed: Changed, syntax_of: Callable[[str], s.ModuleSyntax]
) -> bool:
    """Whether lines of the finding, or of one of its related places, changed."""
    places = [(finding.path, finding.span), *((r.path, r.span) for r in finding.related)]
    for path, span in places:
        if path in changed:
            lines = lines_of(syntax_of(path), span)
            if any(_meet(lines, part) for part in changed[path]):
                return True
    return False


def _meet(one: range, other: range) -> bool:
    return one.start < other.stop and other.start < one.stop
