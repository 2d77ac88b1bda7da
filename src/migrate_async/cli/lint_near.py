"""Which files the linter reads: those that database code reaches, and those that were named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from migrate_async.cli.workspace import Workspace


def near_files(
    workspace: Workspace,
    files: Sequence[str],
    instead: Mapping[str, bytes] | None = None,
    *,
    digests: Mapping[str, str] | None = None,
) -> list[str]:
    """Those of `files` that database code reaches, and those that were named or given `instead`."""
    from migrate_async.source.reach import files_in_reach

    given = set(instead or ()) & set(files)
    named = given.union(path for path in workspace.selection if path in files)
    reached = files_in_reach(
        workspace.root, files, workspace.settings, workspace.cache_folder, digests
    )
    return sorted(named.union(reached))
