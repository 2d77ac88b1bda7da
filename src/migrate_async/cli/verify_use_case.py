"""What is wrong in a tree, as it is or as it would be."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from migrate_async.cli.loading import load_project, of_selection
from migrate_async.cli.progress import Progress
from migrate_async.cli.workspace import Workspace
from migrate_async.model.diagnostic import Diagnostic
from migrate_async.model.verification import TypeComparison, Verification

if TYPE_CHECKING:
    from migrate_async.index.outlines import Outlined


def verify_project(
    workspace: Workspace, progress: Progress, *, types: str = "", since: str = "head"
) -> Verification:
    """What is wrong in the files selected, by the whole project.

    `types` names a type checker that is run on the tree as it is and as it was: `since` the last
    commit (`head`) or before all writes (`journal`).
    """
    found = verified(workspace, progress)
    diagnostics = of_selection(found, workspace)
    comparison = _compare_types(workspace, progress, types, since) if types else None
    return Verification(diagnostics=diagnostics, types=comparison)


def verified(
    workspace: Workspace,
    progress: Progress,
    instead: Mapping[str, bytes] | None = None,
    *,
    files: Sequence[str] | None = None,
    apart: Outlined | None = None,
) -> tuple[Diagnostic, ...]:
    """What is wrong in all `files`, found if not given, if those in `instead` have that content."""
    from migrate_async.source.discover import existence
    from migrate_async.verify.tree import verify_tree

    loaded = load_project(workspace, progress, files, instead=instead, apart=apart)
    progress.phase("Verifying")
    texts = {path: source.text for path, source in loaded.sources.items()}
    found = verify_tree(loaded.project, texts, existence(workspace.root))
    return (*loaded.diagnostics, *found)


def _compare_types(
    workspace: Workspace, progress: Progress, name: str, since: str
) -> TypeComparison:
    from migrate_async.source import copies
    from migrate_async.source.discover import discover
    from migrate_async.verify import type_checkers

    program = type_checkers.find(name)
    if program is None:
        return TypeComparison(tool=name, skipped=f"{name} is not installed: `pip install {name}`")
    progress.phase(f"Running {name} twice")
    root = workspace.root
    files = [path for path in discover([root], root, workspace.settings) if (root / path).is_file()]
    with tempfile.TemporaryDirectory(prefix="migrate-async-") as name_of_folder:
        old, new = Path(name_of_folder, "old"), Path(name_of_folder, "new")
        new.mkdir()
        if since == "journal":
            is_known = copies.copy_before_writes(root, files, old)
        else:
            is_known = copies.copy_committed(root, old)
        if not is_known:
            missing = "no write to compare with" if since == "journal" else "no git commit"
            return TypeComparison(tool=name, skipped=f"there is {missing}")
        copies.copy_current(root, files, new)
        compared = type_checkers.compare(program, name, old, new, since)
    chosen = of_selection(compared.new, workspace)
    return msgspec.structs.replace(compared, new=chosen)
