"""Small files of results on disk, each with a checksum: what cannot be trusted is missing.

Entries are written beside their place and moved there, so that runs in parallel never see half of
one. A folder that cannot be written to is no error: nothing is kept then.

A store that ages notes, by the time of the file, on which day an entry was used last, and deletes
those that nobody used for long. A run that looks for one at that moment misses it, as if it had
never been there.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from pathlib import Path

_CHECK_SIZE = 8
_DAY = 86_400
_KEPT_DAYS = 30
_SWEPT = "swept"
"""The file whose time says when unused entries were deleted last."""


def _check(data: bytes) -> bytes:
    """A checksum, for disks that lie."""
    return hashlib.blake2b(data, digest_size=_CHECK_SIZE).digest()


class Store:
    """Bytes by name, in `folder` below `root`, the cache's own folder; None keeps nothing.

    With `ages`, entries that are not used are deleted by `sweep`.
    """

    def __init__(self, root: Path | None, folder: str, *, ages: bool = False) -> None:
        self._root = root
        self._used_before = time.time() - _DAY if ages else 0.0
        self._folder = None if root is None else root / folder

    @property
    def keeps(self) -> bool:
        """Whether anything is kept at all."""
        return self._folder is not None

    def get(self, name: str) -> bytes | None:
        """What was put under `name`, if it is there and sound."""
        if self._folder is None:
            return None
        try:
            with open(f"{self._folder}/{name}", "rb") as stream:  # noqa: PTH123 - called per file
                entry = stream.read()
                if self._used_before:
                    self._use(stream.fileno(), name)
        except OSError:
            return None
        data = entry[_CHECK_SIZE:]
        return data if entry[:_CHECK_SIZE] == _check(data) else None

    def _use(self, file: int, name: str) -> None:
        """Note, once a day, that the entry is used."""
        if os.fstat(file).st_mtime < self._used_before:
            with contextlib.suppress(OSError):  # it is read all the same
                os.utime(f"{self._folder}/{name}")

    def sweep(self) -> None:
        """Delete the entries that were not used for a month; looks for them once a day."""
        if self._folder is None or not self._used_before or not self._folder.is_dir():
            return
        mark = self._folder / _SWEPT
        with contextlib.suppress(OSError):
            if mark.exists() and mark.stat().st_mtime >= self._used_before:
                return
            mark.touch()
            _delete_older(self._folder, self._used_before - (_KEPT_DAYS - 1) * _DAY)

    def put(self, name: str, data: bytes) -> None:
        """Keep `data` under `name`, a relative path with forward slashes."""
        if self._folder is None:
            return
        path = self._folder / name
        temporary = path.with_name(f"{path.name}.{os.getpid()}")
        with contextlib.suppress(OSError):
            if not path.parent.is_dir():
                path.parent.mkdir(parents=True, exist_ok=True)
                self._hide()
            temporary.write_bytes(_check(data) + data)
            temporary.replace(path)

    def keep_newest(self, count: int) -> None:
        """Delete all but the `count` entries that were written last."""
        if self._folder is None:
            return
        with contextlib.suppress(OSError):
            entries = [(entry.stat().st_mtime_ns, entry.path) for entry in os.scandir(self._folder)]
            for _, path in sorted(entries)[:-count]:
                Path(path).unlink(missing_ok=True)

    def _hide(self) -> None:
        """Keep the cache out of the project's version control."""
        if self._root is not None and not (self._root / ".gitignore").exists():
            (self._root / ".gitignore").write_text("*\n", encoding="utf-8")


def _delete_older(folder: Path, oldest: float) -> None:
    """Delete the files below `folder` that are older; other runs may delete or write some too."""
    for entry in os.scandir(folder):
        with contextlib.suppress(OSError):
            if entry.is_dir(follow_symlinks=False):
                _delete_older(Path(entry.path), oldest)
            elif entry.stat().st_mtime < oldest:
                os.unlink(entry.path)  # noqa: PTH108 - thousands of them
