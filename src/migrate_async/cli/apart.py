"""Which files a plan does without, because they share no name with what it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from migrate_async.cli.workspace import Workspace
from migrate_async.model.plan import Step
from migrate_async.model.selection import EVERYTHING, Selection

if TYPE_CHECKING:
    from migrate_async.index.outlines import Outline, Outlined

_ABOUT_DATABASES = (Step.ALL, Step.ASYNC, Step.QUERIES)
"""The steps that change what sessions reach, and nothing else."""


def outlines_apart(
    workspace: Workspace,
    step: Step,
    selection: Selection,
    files: Sequence[str],
    digests: Mapping[str, str] | None,
) -> Outlined | None:
    """Of the project's `files`, those that stand apart; None where each has to be looked at.

    What was recorded, or is asked for by name, may be anywhere.
    """
    from migrate_async.source.apart import files_apart

    is_whole = selection == EVERYTHING and not workspace.selection
    if step not in _ABOUT_DATABASES or not is_whole or workspace.settings.profile:
        return None
    settings, cache = workspace.settings, workspace.cache_folder
    paths = sorted(files_apart(workspace.root, files, settings, cache, digests))
    if not paths:
        return None
    from migrate_async.index.outlines import outlines_of

    jobs = workspace.jobs
    return outlines_of(paths, workspace.root, jobs, cache, settings, digests=digests)


def still_apart(
    workspace: Workspace,
    paths: Sequence[str],
    old: Mapping[str, str],
    new: Mapping[str, str],
) -> Mapping[str, Outline] | None:
    """The outlines of `paths`, which stood apart, now; None when some do not any more.

    `old` and `new` are all files by digest. A file that imports other packages of the project than
    before may change the names of modules, and counts as near.
    """
    from migrate_async.index.outlines import known_outlines, outlines_of
    from migrate_async.source.apart import files_apart

    root, settings, cache = workspace.root, workspace.settings, workspace.cache_folder
    before = known_outlines(cache, {path: old[path] for path in paths})
    if not files_apart(root, list(new), settings, cache, new).issuperset(paths):
        return None
    now = outlines_of(paths, root, 1, cache, settings, digests=new, is_all=False).outlines
    if not (before.keys() == now.keys() == set(paths)):
        return None
    parts = {part for path in new for part in path.removesuffix(".py").split("/")}
    changed = [named for path in paths for named in set(now[path].named) ^ set(before[path].named)]
    is_same = all(not level and name.partition(".")[0] not in parts for level, name in changed)
    return now if is_same else None
