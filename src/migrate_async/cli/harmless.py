"""Edits that cannot have changed what is known of a project, apart from places.

They are those that `index.difference` understands: lines that moved, and inert functions that
nobody mentions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from migrate_async.cli.workspace import Workspace
from migrate_async.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from migrate_async.index.difference import Difference
    from migrate_async.source.read import SourceFile

_MAX_EDITED = 20


class Edited(NamedTuple):
    """A file that was edited, and what that changed.

    `speaks_alike` tells that its comments to the tool are the same, beside the same code.
    """

    source: SourceFile
    difference: Difference
    speaks_alike: bool


def edited_paths(
    workspace: Workspace, old: Mapping[str, str], new: Mapping[str, str]
) -> list[str] | None:
    """The files that differ between `old` and `new`, by digest; None when that is too much."""
    if old.keys() != new.keys() or workspace.settings.profile:
        return None
    paths = [path for path, digest in new.items() if digest != old[path]]
    return paths if len(paths) <= _MAX_EDITED else None


def harmless_edits(
    workspace: Workspace, paths: Sequence[str], old: Mapping[str, str], new: Mapping[str, str]
) -> list[Edited] | None:
    """What leads from the files `old`, by digest, to `new`; None when some of it could matter.

    `paths` are those that differ. Whether somebody mentions the functions that came, went or
    changed is not looked at.
    """
    found = []
    for path in paths:
        edit = _edit(workspace, path, old[path], new[path])
        if edit is None:
            return None
        found.append(edit)
    return found


def _edit(workspace: Workspace, path: str, before: str, now: str) -> Edited | None:
    from migrate_async.index.cache import FactsCache
    from migrate_async.index.difference import difference, same_comments
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
    if found is None:
        return None
    return Edited(source, found, same_comments(known, syntax, found.lines))


def are_strangers(
    workspace: Workspace, edits: Sequence[Edited], files: Mapping[str, str], said: Sequence[str]
) -> bool:
    """Whether the functions that came, went or changed are said nowhere but where they stand.

    `files` are all of the project; `said` are texts that do not stand in files.
    """
    names = {name for edit in edits for name in edit.difference.names}
    if not names:
        return True
    if not all(name.isascii() for name in names) or _tests_changed(edits):
        return False
    words = {word for text in (repr(workspace.settings), *said) for word in _WORD.findall(text)}
    return names.isdisjoint(words) and _are_alone(workspace, edits, names, files)


_WORD = re.compile(r"\w+")


def _tests_changed(edits: Sequence[Edited]) -> bool:
    """Whether a function of a test suite is among them: pytest finds these by their names."""
    from migrate_async.index.suites import is_test_path

    return any(edit.difference.names and is_test_path(edit.source.path) for edit in edits)


def _are_alone(
    workspace: Workspace, edits: Sequence[Edited], names: set[str], files: Mapping[str, str]
) -> bool:
    from migrate_async.source.mentions import mentions

    try:
        found = mentions(workspace.root, files, names)
    except OSError:
        return False
    homes = set(_defined(edits))
    return all(times == 1 and place in homes for place, times in found.items())


def _defined(edits: Sequence[Edited]) -> Iterator[tuple[str, str]]:
    for edit in edits:
        yield from ((edit.source.path, name) for name in edit.difference.names)
