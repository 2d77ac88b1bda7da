"""A plan carried over an edit that cannot have changed it, apart from places.

The edits are those that `index.difference` understands: lines that moved, and inert functions that
nobody mentions. Everything else is planned anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from migrate_async.cli.planned import Planned
from migrate_async.cli.workspace import Workspace
from migrate_async.errors import SourceError

if TYPE_CHECKING:
    from migrate_async.index.difference import Difference
    from migrate_async.source.read import SourceFile

_MAX_EDITED = 20


class _Edited(NamedTuple):
    """A file that was edited, and what that changed."""

    source: SourceFile
    difference: Difference


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
    if old.keys() != new.keys() or workspace.settings.profile:
        return None
    paths = [path for path, digest in new.items() if digest != old[path]]
    if len(paths) > _MAX_EDITED:
        return None
    edits = _edits(workspace, paths, old, new)
    if edits is None or not _are_strangers(workspace, edits, planned, new, options):
        return None
    return _moved(planned, edits)


def _edits(
    workspace: Workspace, paths: list[str], old: Mapping[str, str], new: Mapping[str, str]
) -> list[_Edited] | None:
    found = []
    for path in paths:
        edit = _edit(workspace, path, old[path], new[path])
        if edit is None:
            return None
        found.append(edit)
    return found


def _edit(workspace: Workspace, path: str, before: str, now: str) -> _Edited | None:
    from migrate_async.index.cache import FactsCache
    from migrate_async.index.difference import difference
    from migrate_async.index.extract import extract
    from migrate_async.source.read import read

    facts = FactsCache(workspace.cache_folder)
    known = facts.get(before)
    if known is None:
        return None
    try:
        source = read(workspace.root, path, workspace.settings.max_file_size)
        syntax = facts.get(now) or extract(source.text, path)
    except SourceError:
        return None
    if source.digest != now:
        return None
    facts.put(now, syntax)
    found = difference(known, syntax)
    return None if found is None else _Edited(source, found)


def _are_strangers(
    workspace: Workspace,
    edits: list[_Edited],
    planned: Planned,
    files: Mapping[str, str],
    options: object,
) -> bool:
    """Whether the functions that came, went or changed are said nowhere but where they stand."""
    names = {name for edit in edits for name in edit.difference.names}
    if not names:
        return True
    if not all(name.isascii() for name in names) or _tests_changed(edits):
        return False
    said = re.findall(r"\w+", repr((workspace.settings, options)))
    said += re.findall(r"\w+", msgspec.json.encode(planned.plan).decode())
    return names.isdisjoint(said) and _are_alone(workspace, edits, names, files)


def _tests_changed(edits: list[_Edited]) -> bool:
    """Whether a function of a test suite is among them: pytest finds these by their names."""
    from migrate_async.plan.paths import is_test_path

    return any(edit.difference.names and is_test_path(edit.source.path) for edit in edits)


def _are_alone(
    workspace: Workspace, edits: list[_Edited], names: set[str], files: Mapping[str, str]
) -> bool:
    from migrate_async.source.mentions import mentions

    try:
        found = mentions(workspace.root, files, names)
    except OSError:
        return False
    homes = set(_defined(edits))
    return all(times == 1 and place in homes for place, times in found.items())


def _defined(edits: list[_Edited]) -> Iterator[tuple[str, str]]:
    for edit in edits:
        yield from ((edit.source.path, name) for name in edit.difference.names)


def _moved(planned: Planned, edits: list[_Edited]) -> Planned | None:
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
