"""A plan carried over edits that cannot have changed it, apart from places.

After every other edit the project is planned anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from migrate_async.cli.harmless import are_strangers, harmless_edits
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
    edits = harmless_edits(workspace, old, new)
    if edits is None:
        return None
    said = (repr(options), msgspec.json.encode(planned.plan).decode())
    return _moved(planned, edits) if are_strangers(workspace, edits, new, said) else None


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
    return Planned(plan, lengths, planned.unread)
