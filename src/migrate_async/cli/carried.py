"""A plan carried over edits that cannot have changed it, apart from places.

These are harmless edits, and edits of files that stand apart before and after. After every other
edit the project is planned anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from migrate_async.cli.apart import still_apart
from migrate_async.cli.harmless import are_strangers, edited_paths, harmless_edits
from migrate_async.cli.planned import Planned
from migrate_async.cli.workspace import Workspace

if TYPE_CHECKING:
    from migrate_async.cli.harmless import Edited


def carried(
    workspace: Workspace,
    old: Mapping[str, str],
    planned: Planned,
    new: Mapping[str, str],
    options: object,
) -> Planned | None:
    """What was `planned` on the files `old`, by digest, on the files `new`; None: plan anew.

    `options` is what was asked for.
    """
    paths = edited_paths(workspace, old, new)
    if paths is None:
        return None
    beside = [path for path in paths if path in planned.apart]
    near = [path for path in paths if path not in planned.apart]
    if beside:
        outlines = still_apart(workspace, beside, old, new)
        if outlines is None:
            return None
        lengths = {path: outline.lengths for path, outline in outlines.items()}
        planned = msgspec.structs.replace(planned, lengths=planned.lengths | lengths)
    return _carried(workspace, near, (old, new), planned, options) if near else planned


def _carried(
    workspace: Workspace,
    paths: Sequence[str],
    files: tuple[Mapping[str, str], Mapping[str, str]],
    planned: Planned,
    options: object,
) -> Planned | None:
    """The same for the edits of files of which the plan was made."""
    edits = harmless_edits(workspace, paths, *files)
    if edits is None:
        return None
    said = (repr(options), msgspec.json.encode(planned.plan).decode())
    if not are_strangers(workspace, edits, files[1], said):
        return None
    moved = _moved(planned, edits)
    # What these files say now may be the names of others, which do not stand apart any more.
    return None if moved is None else msgspec.structs.replace(moved, apart=())


def _moved(planned: Planned, edits: list[Edited]) -> Planned | None:
    from migrate_async.plan.moved import moved
    from migrate_async.source.line_lengths import lengths_of

    plan, lengths = planned.plan, dict(planned.lengths)
    for edit in edits:
        source = edit.source
        changed = moved(plan, source.path, edit.difference.lines, source.digest)
        if changed is None:
            return None
        plan, lengths[source.path] = changed, lengths_of(source.text)
    return msgspec.structs.replace(planned, plan=plan, lengths=lengths)
