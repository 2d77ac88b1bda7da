"""What the linter says about a place."""

from __future__ import annotations

import enum

import msgspec

from migrate_async.model.plan import AnyEdit, ImportChange
from migrate_async.model.syntax import Span


class Confidence(enum.Enum):
    """How sure a finding is. Only `high` is shown unless more is asked for."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Applicability(enum.Enum):
    """`safe` keeps the meaning of the code; `unsafe` may change it, and wants to be reviewed."""

    SAFE = "safe"
    UNSAFE = "unsafe"


class RelatedPlace(msgspec.Struct, frozen=True, order=True):
    """Another place that a finding is about: where a session was opened, where it escapes."""

    path: str
    span: Span
    message: str


class Fix(msgspec.Struct, frozen=True):
    """Edits of the finding's file that mend it, all of them or none."""

    title: str
    applicability: str
    edits: tuple[AnyEdit, ...]
    imports: tuple[ImportChange, ...] = ()
    unneeded: tuple[str, ...] = ()


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One violation of a rule.

    `path` is relative to the project root, with forward slashes; `span` as in `model.syntax`:
    lines from 1, columns from 0 in characters. `message` says what is wrong here, `consequence`
    what it does in production, `remedy` what to do. `function` is the qualified name of the
    function that the place is in. `fingerprint` stays the same when the place moves to another
    line; rules leave it empty.
    """

    path: str
    span: Span
    code: str
    rule: str
    message: str
    consequence: str
    remedy: str
    confidence: str = Confidence.HIGH.value
    function: str = ""
    related: tuple[RelatedPlace, ...] = ()
    fix: Fix | None = None
    fingerprint: str = ""


def order(finding: Finding) -> tuple[str, Span, str, str]:
    """The key that findings are sorted by."""
    return finding.path, finding.span, finding.code, finding.message
