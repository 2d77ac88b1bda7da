"""What git says about a folder; without git, or outside a work tree, nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

_PATHS_PER_CALL = 500


def tracked_and_untracked(folder: Path, pattern: str) -> list[str] | None:
    """The files below `folder` that match `pattern` and that git does not ignore.

    Paths are relative to `folder`. None when `folder` is not in a work tree.
    """
    listed = _git(
        folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", pattern
    )
    return None if listed is None else sorted(set(_split(listed)))


def uncommitted(paths: Sequence[Path]) -> list[str]:
    """Which of the files `paths` have changes that git has not committed.

    Paths are relative to the top of their work tree. Files that git does not know, and files
    outside any work tree, do not count: there is nothing to mix our changes up with.
    """
    found: set[str] = set()
    by_folder: dict[Path, list[Path]] = {}
    for path in paths:
        by_folder.setdefault(path.parent, []).append(path)
    for top, files in _by_work_tree(by_folder).items():
        for start in range(0, len(files), _PATHS_PER_CALL):
            chunk = [str(path) for path in files[start : start + _PATHS_PER_CALL]]
            status = _git(
                top, "status", "--porcelain=v1", "-z", "--untracked-files=no", "--", *chunk
            )
            found.update(_changed(status or b""))
    return sorted(found)


def _by_work_tree(by_folder: dict[Path, list[Path]]) -> dict[Path, list[Path]]:
    result: dict[Path, list[Path]] = {}
    for folder, files in by_folder.items():
        top = next((t for t in result if folder.is_relative_to(t)), None) or work_tree(folder)
        if top is not None:
            result.setdefault(top, []).extend(files)
    return result


def work_tree(folder: Path) -> Path | None:
    """The top of the work tree that `folder` is in."""
    top = _git(folder, "rev-parse", "--show-toplevel")
    return None if top is None else Path(os.fsdecode(top.rstrip(b"\n")))


def _changed(status: bytes) -> list[str]:
    """The paths in the output of `git status -z`: `XY path`, after a rename also the old path."""
    fields = iter(_split(status))
    changed = []
    for field in fields:
        changed.append(field[3:])
        if "R" in field[:2] or "C" in field[:2]:
            next(fields, None)
    return changed


def _split(output: bytes) -> list[str]:
    return [os.fsdecode(field) for field in output.split(b"\0") if field]


def _git(folder: Path, *arguments: str) -> bytes | None:
    """The output of git in `folder`; None when it failed or is not installed."""
    program = shutil.which("git")
    if program is None:
        return None
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(  # noqa: S603 - git itself, no shell, paths after `--`
            [program, "-C", str(folder), *arguments],
            capture_output=True,
            check=False,
            env=environment,
        )
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None
