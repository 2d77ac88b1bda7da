"""Results of whole commands, kept while nothing that they depend on changes.

memo = Memo(cache)
key = key_of("lint", options, settings, digests)
data = memo.get(key)
if data is None:
    data = compute()
    memo.put(key, data)
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import Any

from migrate_async.source.store import Store

_FOLDER = "results"
_KEPT = 32


class Memo:
    """Bytes by key, below the cache's folder; None keeps nothing. The newest results stay."""

    def __init__(self, cache: Path | None) -> None:
        self._store = Store(cache, _FOLDER)

    def get(self, key: str) -> bytes | None:
        """What was put under `key`, if it is there and sound."""
        return self._store.get(key)

    def put(self, key: str, data: bytes) -> None:
        """Keep `data`; a folder that cannot be written to is no error."""
        self._store.put(key, data)
        self._store.keep_newest(_KEPT)


def key_of(*parts: Any) -> str:
    """The key of what depends on `parts`, on this tool and on this Python, and on nothing else.

    Parts are values whose `repr` says all: strings, tuples, settings, the digests of all files.
    """
    described = repr((_tool(), sys.version, parts))  # escapes what UTF-8 lacks, in file names
    return hashlib.blake2b(described.encode(), digest_size=20).hexdigest()


def _tool() -> list[tuple[str, int, int]]:
    """The files of the tool: a version number would not tell an edited checkout."""
    found = []
    pending = [str(Path(__file__).parents[1])]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.name.endswith(".py"):
                    status = entry.stat()
                    found.append((entry.path, status.st_size, status.st_mtime_ns))
                elif entry.is_dir() and entry.name not in _NOT_TOOLING:
                    pending.append(entry.path)
    return sorted(found)


_NOT_TOOLING = frozenset({"__pycache__", "_fixtures", "runtime"})
