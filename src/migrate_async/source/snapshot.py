"""What the files of a project hold, by digest, without reading those that did not change.

A file is known by its size and times. As git does, a file that changed too shortly before it was
read is not trusted the next time: it could have changed again within the same tick of the clock.
The time of the last change of the inode is compared too, which tells files that were put back with
their old dates. A fresh checkout has other times: its files are read, and found by content.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from migrate_async.source.read import digest_of
from migrate_async.source.store import Store

_Known = tuple[int, int, int, str]
"""`(size, modified, changed, digest)`, times in nanoseconds."""

_decoder = msgspec.msgpack.Decoder(dict[str, _Known])
_SLACK = 2_000_000_000
"""The coarsest clock of file systems in use, in nanoseconds."""
_FOLDER, _NAME = "files", "1"


def take(paths: Sequence[str], root: Path, cache: Path, max_size: int) -> dict[str, str]:
    """Digest of each of `paths` (relative to `root`); of what cannot be read, why not.

    Of a file above `max_size` bytes the beginning counts. What is learnt is kept below `cache`.
    """
    store = Store(cache, _FOLDER)
    known = _load(store)
    started = time.time_ns()
    digests: dict[str, str] = {}
    trusted: dict[str, _Known] = {}
    for path in paths:
        digest, found = _look(f"{root}/{path}", known.get(path), max_size)
        digests[path] = digest
        if found is not None and _is_settled(path, found, started):
            trusted[path] = found
    if trusted != known:
        store.put(_NAME, msgspec.msgpack.encode(trusted))
    return digests


def _load(store: Store) -> dict[str, _Known]:
    try:
        return _decoder.decode(store.get(_NAME) or b"\x80")
    except msgspec.DecodeError:
        return {}


def _is_settled(path: str, found: _Known, started: int) -> bool:
    """Whether a later change would show; names that UTF-8 lacks cannot be stored."""
    is_storable = path.isascii() or path.isprintable()
    return is_storable and max(found[1], found[2]) < started - _SLACK


def _look(path: str, known: _Known | None, max_size: int) -> tuple[str, _Known | None]:
    try:
        status = os.stat(path)  # noqa: PTH116 - thousands of them
        times = (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        if known is not None and known[:3] == times:
            return known[3], known
        with open(path, "rb") as stream:  # noqa: PTH123 - as above
            digest = digest_of(stream.read(max_size + 1))
    except OSError as error:
        return f"unreadable {error.errno}", None
    return digest, (*times, digest)
