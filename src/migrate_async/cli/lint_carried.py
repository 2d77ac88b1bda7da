"""What the rules saw, carried over edits that cannot have changed it, apart from places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from migrate_async.cli.harmless import are_strangers, edited_paths, harmless_edits
from migrate_async.cli.workspace import Workspace

if TYPE_CHECKING:
    from migrate_async.lint.seen import Seen


def carried(
    workspace: Workspace,
    read: tuple[Mapping[str, str], Mapping[str, str]],
    seen: Seen,
    files: Mapping[str, str],
    options: object,
) -> Seen | None:
    """What was `seen` in the files that are read, after edits; None: look anew.

    `read` has these by digest, before and now; `files` are all of the project and `options` what
    was asked for. Rules that others wrote may look at anything.
    """
    from migrate_async.lint.plugins import packages
    from migrate_async.lint.seen import moved_seen

    paths = edited_paths(workspace, *read)
    edits = None if paths is None else harmless_edits(workspace, paths, *read)
    if edits is None or packages() or not all(edit.speaks_alike for edit in edits):
        return None
    said = (repr(options), msgspec.json.encode(seen).decode())
    if not are_strangers(workspace, edits, files, said):
        return None
    lines = {edit.source.path: edit.difference.lines for edit in edits}
    texts = {edit.source.path: edit.source.text for edit in edits}
    return moved_seen(seen, lines, texts)
