"""Small files of results on disk, each with a checksum: what cannot be trusted is missing.

Entries are written beside their place and moved there, so that runs in parallel never see half of
one. A folder that cannot be written to is no error: nothing is kept then.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

_CHECK_SIZE = 8


def _check(data: bytes) -> bytes:
    """A checksum, for disks that lie."""
    return hashlib.blake2b(data, digest_size=_CHECK_SIZE).digest()


class Store:
    """Bytes by name, in `folder` below `root`, the cache's own folder; None keeps nothing."""

    def __init__(self, root: Path | None, folder: str) -> None:
        self._root = root
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
        except OSError:
            return None
        data = entry[_CHECK_SIZE:]
        return data if entry[:_CHECK_SIZE] == _check(data) else None

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
