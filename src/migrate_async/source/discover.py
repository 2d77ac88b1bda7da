"""Which files belong to the project: what git lists, else what a walk finds.

Folders that hold other people's code or generated files are left out, links to folders are not
followed, and the result does not depend on the order of the file system.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from migrate_async.config import Settings
from migrate_async.errors import UsageError
from migrate_async.source.git import tracked_and_untracked

if TYPE_CHECKING:  # imported where there are patterns to match: many projects have none
    import pathspec

_FOREIGN = frozenset({"node_modules", "site-packages", "__pycache__", ".venv", "venv", ".git"})
"""Left out even where git tracks them."""
_SKIPPED = _FOREIGN | {
    ".eggs",
    ".hg",
    ".mypy_cache",
    ".nox",
    ".pytest_cache",
    ".ruff_cache",
    ".svn",
    ".tox",
    "__pypackages__",
    "build",
    "dist",
    "env",
}
_OWN = ".migrate-async"


def discover(start: Sequence[Path], root: Path, settings: Settings | None = None) -> list[str]:
    """The Python files at and below the paths in `start`, relative to `root`, sorted.

    A file that is named itself is taken even if it is ignored. Raises `UsageError` for a path that
    does not exist or that is not below `root`.
    """
    patterns = (settings or Settings()).exclude
    exclude = _spec(patterns) if patterns else None
    found: set[str] = set()
    for path in start:
        relative = _relative(path, root)
        if path.is_dir():
            below = _listed(path)
            files = (_joined(relative, file) for file in below)
            found.update(file for file in files if exclude is None or not exclude.match_file(file))
        elif os.path.lexists(path):
            found.add(relative)
        else:
            raise UsageError(f"{path} does not exist")
    return _without_aliases(sorted(found), root)


def _spec(lines: Iterable[str]) -> pathspec.GitIgnoreSpec:
    import pathspec  # noqa: PLC0415 - see above

    return pathspec.GitIgnoreSpec.from_lines(lines)


def existence(root: Path) -> Callable[[str], bool]:
    """Tells whether `root` has a file or folder of a path, whatever the file's ending."""
    known: dict[Path, frozenset[str]] = {}

    def exists(path: str) -> bool:
        place = root / path
        if place.parent not in known:
            names = (entry.name for entry in _entries(place.parent))
            known[place.parent] = frozenset(name.partition(".")[0] for name in names)
        return place.name in known[place.parent]

    return exists


def _relative(path: Path, root: Path) -> str:
    try:
        return _absolute(path).relative_to(_absolute(root)).as_posix()
    except ValueError:
        raise UsageError(f"{path} is not below {root}") from None


def _absolute(path: Path) -> Path:
    """`path` from the root of the file system, links kept as they were written."""
    return Path(os.path.normpath(Path.cwd() / path))


def _joined(folder: str, file: str) -> str:
    return file if folder == "." else f"{folder}/{file}"


def _listed(folder: Path) -> Iterable[str]:
    listed = tracked_and_untracked(folder, "*.py")
    if not listed:  # no work tree, or a folder that git ignores and somebody named
        return _walk(folder)
    return (
        path
        for path in listed
        if not _FOREIGN.intersection(path.split("/")) and os.path.lexists(f"{folder}/{path}")
    )


def _without_aliases(paths: list[str], root: Path) -> list[str]:
    """`paths` without links to files that are there under their own name."""
    links = [path for path in paths if os.path.islink(f"{root}/{path}")]  # noqa: PTH114 - speed
    if not links:
        return paths
    real = {os.path.realpath(root / path) for path in paths if path not in links}
    aliases = {path for path in links if os.path.realpath(root / path) in real}
    return [path for path in paths if path not in aliases]


# --- without git -------------------------------------------------------------------------------


def _walk(folder: Path) -> Iterator[str]:
    """The Python files below `folder`, by the `.gitignore` files on the way.

    A link to a folder that it stands in is listed as if it were a file, so that reading it tells.
    """
    pending: list[tuple[str, tuple[tuple[str, pathspec.GitIgnoreSpec], ...]]] = [("", ())]
    while pending:
        relative, ignores = pending.pop()
        entries = _entries(folder / relative)
        if any(entry.name == "pyvenv.cfg" for entry in entries):
            continue
        ignores = _with_ignore_file(folder, relative, entries, ignores)
        for entry in entries:
            path = f"{relative}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                is_skipped = entry.name in _SKIPPED or entry.name == _OWN
                if not is_skipped and not _ignored(f"{path}/", ignores):
                    pending.append((f"{path}/", ignores))
            elif (entry.name.endswith(".py") or _is_loop(entry)) and not _ignored(path, ignores):
                yield path


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:  # unreadable: nothing in it can be migrated
        return []


def _is_loop(entry: os.DirEntry[str]) -> bool:
    """Is it a link to a folder that it stands in?"""
    if not entry.is_symlink():
        return False
    target = Path(os.path.realpath(entry.path))
    return target.is_dir() and Path(os.path.realpath(Path(entry.path).parent)).is_relative_to(
        target
    )


def _with_ignore_file(
    folder: Path,
    relative: str,
    entries: Sequence[os.DirEntry[str]],
    ignores: tuple[tuple[str, pathspec.GitIgnoreSpec], ...],
) -> tuple[tuple[str, pathspec.GitIgnoreSpec], ...]:
    if not any(entry.name == ".gitignore" for entry in entries):
        return ignores
    try:
        text = (folder / relative / ".gitignore").read_text("utf-8", "replace")
    except OSError:
        return ignores
    return (*ignores, (relative, _spec(text.splitlines())))


def _ignored(path: str, ignores: Sequence[tuple[str, pathspec.GitIgnoreSpec]]) -> bool:
    return any(spec.match_file(path[len(prefix) :]) for prefix, spec in ignores)
