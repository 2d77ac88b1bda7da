"""Copies of a project for programs that read whole trees: as it is, and as it was."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from pathlib import Path

from migrate_async.model.journal import WriteState
from migrate_async.source.git import archive
from migrate_async.source.journal import journals

_SETTINGS = (
    "pyproject.toml",
    "setup.cfg",
    "mypy.ini",
    ".mypy.ini",
    "ty.toml",
    "pyrefly.toml",
)
_TYPED = (".py", ".pyi")


def copy_current(root: Path, files: Sequence[str], folder: Path) -> None:
    """The project's Python files, stubs and settings of type checkers, as they are now."""
    stubs = [stub for path in files if (root / (stub := f"{path}i")).is_file()]
    settings = [name for name in _SETTINGS if (root / name).is_file()]
    for path in (*files, *stubs, *settings):
        _put(folder / path, (root / path).read_bytes())


def copy_before_writes(root: Path, files: Sequence[str], folder: Path) -> bool:
    """The project before all writes that were not undone; False when there is none."""
    pending = [item for item in journals(root) if item.state is not WriteState.UNDONE]
    if not pending:
        return False
    copy_current(root, files, folder)
    for journal in reversed(pending):
        for entry in journal.files:
            _put(folder / entry.path, journal.old(entry))
    return True


def copy_committed(root: Path, folder: Path) -> bool:
    """The project as the last commit has it; False outside a git work tree."""
    packed = archive(root)
    if packed is None:
        return False
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        for member in tar:
            name = Path(member.name).name
            stream = tar.extractfile(member) if member.isreg() else None
            if stream is not None and (name.endswith(_TYPED) or name in _SETTINGS):
                _put(folder / member.name, stream.read())
    return True


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
