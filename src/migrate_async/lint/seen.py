"""What the rules saw in a project, whatever is shown of it."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from migrate_async.lint.fingerprint import Identity, identities
from migrate_async.model.diagnostic import Diagnostic
from migrate_async.model.finding import Finding, Fix, RelatedPlace, order
from migrate_async.plan.moved import Lines, moved_edit, moved_span

_LAMBDA = b"<lambda:"
"""Starts the name of a lambda, which holds its line."""


class Seen(msgspec.Struct, frozen=True):
    """All findings with their names, in order; the rest as in `lint.run.Outcome`.

    `unread` tells why files could not be read, of the `read` others nothing is told.
    """

    named: tuple[tuple[Finding, Identity], ...] = ()
    suppressed: int = 0
    diagnostics: tuple[Diagnostic, ...] = ()
    unread: tuple[Diagnostic, ...] = ()
    read: int = 0


def moved_seen(seen: Seen, lines: Mapping[str, Lines], texts: Mapping[str, str]) -> Seen | None:
    """`seen` after the code of some files moved and nothing else in them changed.

    `lines` says by path where the lines that code begins or ends at are now, `texts` what the
    files hold. None when something is said of a line that is not among them, or in words.
    """
    if _speaks_of_lines(seen, lines):
        return None
    try:
        findings = [_finding(finding, lines) for finding, _ in seen.named]
    except KeyError:
        return None
    if any(problem.line and problem.path in lines for problem in seen.diagnostics):
        return None
    named = _named(findings, [identity for _, identity in seen.named], texts)
    return msgspec.structs.replace(seen, named=named)


def _speaks_of_lines(seen: Seen, lines: Mapping[str, Lines]) -> bool:
    """Whether a text, or a name, holds a number of a line that has moved."""
    moving = [path for path, places in lines.items() if any(n != m for n, m in places.items())]
    if not moving:
        return False
    text = msgspec.json.encode(seen)
    names = (msgspec.json.encode(path)[1:-1] for path in moving)
    return _LAMBDA in text or any(
        re.search(rb"(?<![\w./-])" + re.escape(name) + rb":\d", text) for name in names
    )


def _finding(finding: Finding, lines: Mapping[str, Lines]) -> Finding:
    related = tuple(_related(place, lines) for place in finding.related)
    own = lines.get(finding.path)
    if own is None:
        return msgspec.structs.replace(finding, related=related)
    fix = None if finding.fix is None else _fix(finding.fix, own)
    span = moved_span(finding.span, own)
    return msgspec.structs.replace(finding, span=span, related=related, fix=fix)


def _related(place: RelatedPlace, lines: Mapping[str, Lines]) -> RelatedPlace:
    own = lines.get(place.path)
    if own is None:
        return place
    return msgspec.structs.replace(place, span=moved_span(place.span, own))


def _fix(fix: Fix, lines: Lines) -> Fix:
    return msgspec.structs.replace(fix, edits=tuple(moved_edit(edit, lines) for edit in fix.edits))


def _named(
    findings: list[Finding], known: list[Identity], texts: Mapping[str, str]
) -> tuple[tuple[Finding, Identity], ...]:
    """The findings with their names, those in `texts` by what is in their lines now, in order."""
    here = [finding for finding in findings if finding.path in texts]
    new = dict(zip(map(id, here), identities(here, texts.__getitem__), strict=True))
    pairs = [(found, new.get(id(found), name)) for found, name in zip(findings, known, strict=True)]
    return tuple(
        (msgspec.structs.replace(found, fingerprint=name.fingerprint), name)
        for found, name in sorted(pairs, key=lambda pair: order(pair[0]))
    )
