"""What the tool says about a place: a refusal, a warning, a fact."""

from __future__ import annotations

import enum

import msgspec

from migrate_async.model.syntax import Span


class Severity(enum.Enum):
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Diagnostic(msgspec.Struct, frozen=True, order=True, kw_only=True):
    """One message with a stable code, the place and what to do next.

    `path` is relative to the project root, with forward slashes. `line` counts from 1, `column`
    from 0; both are 0 where the whole file is meant.
    """

    path: str
    line: int = 0
    column: int = 0
    code: str
    message: str
    next_step: str = ""
    severity: str = Severity.WARNING.value


def at(path: str, span: Span, code: str, message: str, next_step: str = "") -> Diagnostic:
    """A warning at the start of `span`."""
    return Diagnostic(
        path=path, line=span[0], column=span[1], code=code, message=message, next_step=next_step
    )


def note(path: str, span: Span, code: str, message: str, next_step: str = "") -> Diagnostic:
    """What is told of the same place, and nobody has to resolve."""
    found = at(path, span, code, message, next_step)
    return msgspec.structs.replace(found, severity=Severity.NOTE.value)
