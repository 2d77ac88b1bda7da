"""What git says about a folder; without git, or outside a work tree, nothing."""

from __future__ import annotations

import datetime
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from migrate_async.errors import UsageError

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


def changed_lines(folder: Path, revision: str, pattern: str) -> dict[str, list[range]]:
    """The lines of the files below `folder` that differ from `revision`, in the work tree.

    Compared is with the commit where the two parted, so that what others did since does not
    count. Paths are relative to `folder`, with forward slashes. Where lines were only removed, the
    lines around the gap count; of files that git does not know, all lines. Raises `UsageError`
    when `folder` is not in a work tree or has no such revision.
    """
    commit = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", revision)
    if commit is None and _git(folder, "rev-parse", "--git-dir") is None:
        raise UsageError(f"{folder} is in no git repository, so nothing changed since {revision!r}")
    if commit is None:
        raise UsageError(
            f"git knows no revision {revision!r} in {folder}: `git branch --all` lists the branches"
            " (in CI, fetch the whole history)"
        )
    name = commit.decode().strip()
    parted = _git(folder, "merge-base", name, "HEAD")
    base = parted.decode().strip() if parted else name
    patch = _git(folder, *_DIFF, base, "--", pattern)
    untracked = _git(folder, "ls-files", "-z", "--others", "--exclude-standard", "--", pattern)
    if patch is None or untracked is None:
        raise UsageError(f"git cannot compare {folder} with {revision!r}")
    everything = [range(1, sys.maxsize)]
    return dict.fromkeys(_split(untracked), everything) | _hunks(patch)


_DIFF = (
    *("-c", "core.quotePath=false", "diff", "--unified=0", "--no-color", "--no-ext-diff"),
    *("--no-textconv", "--find-renames", "--relative", "--src-prefix=a/", "--dst-prefix=b/"),
)
_HUNK = re.compile(rb"@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


def _hunks(patch: bytes) -> dict[str, list[range]]:
    """The new lines of each file in `patch`; content that looks like a header is skipped over."""
    found: dict[str, list[range]] = {}
    here: list[range] = []
    lines = iter(patch.split(b"\n"))
    for line in lines:
        if line.startswith((b"+++ b/", b'+++ "b/')):
            here = found.setdefault(_unquoted(line[len(b"+++ ") :]), [])
        elif hunk := _HUNK.match(line):
            removed, start, added = (1 if part is None else int(part) for part in hunk.groups())
            here.append(range(start, start + added) if added else range(start, start + 2))
            _skip(lines, removed + added)
    return found


def _skip(lines: Iterator[bytes], count: int) -> None:
    """Go past `count` lines of content; remarks such as `\\ No newline` are none."""
    while count > 0:
        count -= not next(lines, b"").startswith(b"\\")


def _unquoted(name: bytes) -> str:
    """The path in a header: after `b/`, without the tab after a blank, quotes or escapes."""
    if name.startswith(b'"'):
        name = name.rstrip()[1:-1].decode("unicode_escape").encode("latin-1")
    return os.fsdecode(name[len(b"b/") :].removesuffix(b"\t"))


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


def path_from_top(folder: Path) -> str:
    """What to put before paths below `folder` to have them from the top of the work tree.

    Empty at the top and outside of any work tree, else with a slash at the end.
    """
    top = work_tree(folder)
    above = folder.resolve().relative_to(top.resolve()).as_posix() if top else "."
    return "" if above == "." else f"{above}/"


def archive(folder: Path) -> bytes | None:
    """A tar archive of `folder` as the last commit has it; None when there is no commit."""
    return _git(folder, "archive", "--format=tar", "HEAD", ".")


def head(folder: Path) -> str:
    """The last commit's name, shortened; empty when there is none."""
    found = _git(folder, "rev-parse", "--short=12", "HEAD")
    return "" if found is None else os.fsdecode(found.strip())


def main_branch(folder: Path) -> str:
    """The branch that a remote has as its default, else the one checked out, else `main`."""
    remote = _git(folder, "rev-parse", "--abbrev-ref", "origin/HEAD") or b""
    name = remote.decode("utf-8", "replace").strip().removeprefix("origin/")
    if name and name != "HEAD":
        return name
    current = _git(folder, "branch", "--show-current") or b""
    return current.decode("utf-8", "replace").strip() or "main"


def head_date(folder: Path) -> str:
    """The day (UTC) of the last commit, as `2026-11-28`; empty when there is none."""
    found = _git(folder, "log", "-1", "--format=%ct")
    if not found or not found.strip():
        return ""
    moment = datetime.datetime.fromtimestamp(int(found), datetime.timezone.utc)
    return moment.date().isoformat()


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
