"""What rewriting produced for one file."""

from __future__ import annotations

import msgspec

from migrate_async.model.diagnostic import Diagnostic


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
