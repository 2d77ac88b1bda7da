"""What rewriting produced for one file."""

from __future__ import annotations

import msgspec

from migrate_async.model.diagnostic import Diagnostic
from migrate_async.model.syntax import Span


class Repair(msgspec.Struct, frozen=True):
    """What one fix does to its file: the lines at `span` become `text`.

    `span` as in `model.syntax`, from the start of a line to the start of another one, or to the end
    of the file.
    """

    title: str
    span: Span
    text: str


class FileChange(msgspec.Struct, frozen=True):
    """`before` and `after` are the file's text; they are equal when nothing changed."""

    path: str
    before: str
    after: str
    codemods: tuple[str, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def changed(self) -> bool:
        return self.before != self.after
