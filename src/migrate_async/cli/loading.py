"""From the folder of a workspace to its files, and to the linked project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from migrate_async.cli.progress import Progress
from migrate_async.cli.workspace import Workspace
from migrate_async.errors import UsageError
from migrate_async.model.diagnostic import Diagnostic

if TYPE_CHECKING:
    from migrate_async.index.outlines import Outline, Outlined
    from migrate_async.index.project import Project
    from migrate_async.source.read import SourceFile


@dataclass(frozen=True)
class LoadedProject:
    """The linked project, the files it was made from, and why others could not be read."""

    project: Project
    files: Sequence[str]
    sources: Mapping[str, SourceFile]
    diagnostics: tuple[Diagnostic, ...]
    apart: Mapping[str, Outline] = field(default_factory=dict)
    """Files that could be parsed and are not linked, because they stand apart."""


def find_files(
    workspace: Workspace, progress: Progress, given: Mapping[str, bytes] | None = None
) -> list[str]:
    """All files of the project, those selected, and those whose content is `given`.

    Raises `UsageError` when there are none: it is the wrong folder.
    """
    from migrate_async.source.discover import discover

    progress.phase("Finding files")
    root, settings = workspace.root, workspace.settings
    named = [path for path in (*settings.paths, *workspace.selection) if path not in (given or {})]
    found = discover([root / path for path in named], root, settings)
    if not found and not given:
        raise UsageError(
            f"no Python files in {root}: go to the folder of the application, or name it"
        )
    return sorted({*found, *given}) if given else found


def load_project(
    workspace: Workspace,
    progress: Progress,
    files: Sequence[str] | None = None,
    *,
    instead: Mapping[str, bytes] | None = None,
    apart: Outlined | None = None,
) -> LoadedProject:
    """Find (unless `files` are given), read and link every file of the project.

    Those that stand `apart` are not linked. Files in `instead` have that content, whatever is on
    disk, and may be missing there.
    """
    from migrate_async.index.load import load
    from migrate_async.index.project import build
    from migrate_async.source.profiles import read_profile
    from migrate_async.source.templates import templates_of

    root, settings = workspace.root, workspace.settings
    files = find_files(workspace, progress, instead) if files is None else files
    progress.phase(f"Reading {len(files)} files")
    outlines = {} if apart is None else apart.outlines
    problems = () if apart is None else apart.problems
    known = outlines.keys() | {problem.path for problem in problems}
    modules, diagnostics = load(
        [path for path in files if path not in known],
        root,
        jobs=workspace.jobs,
        cache=workspace.cache_folder,
        settings=settings,
        instead=instead,
        beside=outlines,
    )
    progress.phase("Linking modules")
    profile = read_profile(root / settings.profile) if settings.profile else None
    project = build(modules, settings, templates_of(root, files), profile)
    sources = {module.path: module.source for module in modules}
    return LoadedProject(
        project, files, sources, tuple(sorted([*problems, *diagnostics])), outlines
    )


def of_selection(diagnostics: Sequence[Diagnostic], workspace: Workspace) -> tuple[Diagnostic, ...]:
    return tuple(found for found in diagnostics if workspace.covers(found.path))
