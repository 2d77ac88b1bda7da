"""One writer at a time in a project; a lock goes with the process that holds it."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from migrate_async.errors import UsageError

FOLDER = ".migrate-async"
_LOCK = "lock"


def own_folder(root: Path) -> Path:
    """The tool's folder in the project, made if need be; git ignores what is in it."""
    folder = root / FOLDER
    folder.mkdir(exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", "utf-8")
    return folder


@contextlib.contextmanager
def locked(root: Path) -> Iterator[None]:
    """Hold the project's lock. Raises `UsageError` when another process holds it."""
    descriptor = os.open(own_folder(root) / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            _take(descriptor)
        except BlockingIOError:
            raise UsageError(
                f"another migrate-async is writing in {root}: wait for it to end, then run again"
            ) from None
        yield
    finally:
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> None:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            raise BlockingIOError from None

else:
    import fcntl

    def _take(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
