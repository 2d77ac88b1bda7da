"""What is known of contents by their digest, all in one file of the cache.

table = Table(cache, "signs", Signs, key_of(...))
found = table.get(digest)
if found is None:
    found = read(...)
    table.put(digest, found)
table.save()
"""

from __future__ import annotations

from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from migrate_async.source.store import Store

_KEPT = 4

Value = TypeVar("Value", bound=msgspec.Struct)


class Table(Generic[Value]):
    """Values of `kind` by digest, below the folder `cache`; None keeps nothing.

    `name` tells tables apart that were made with other settings; the newest few stay.
    """

    def __init__(self, cache: Path | None, folder: str, kind: type[Value], name: str) -> None:
        self._store = Store(cache, folder)
        self._name = name
        self._known: dict[str, Value] = {}
        self._used: dict[str, Value] = {}
        if self._store.keeps:
            try:
                data = self._store.get(name) or b"\x80"
                self._known = msgspec.msgpack.decode(data, type=dict[str, kind])  # type: ignore[valid-type]
            except msgspec.MsgspecError:
                self._known = {}

    def get(self, digest: str) -> Value | None:
        """What is known of the content with that digest."""
        found = self._known.get(digest)
        if found is not None:
            self._used[digest] = found
        return found

    def put(self, digest: str, value: Value) -> None:
        """Note `value`, for the next `save`."""
        self._used[digest] = value

    def add(self) -> None:
        """Keep what was put beside what is there."""
        self._used = self._known | self._used
        self.save()

    def save(self) -> None:
        """Keep what was asked for or put, and nothing else."""
        if self._used.keys() != self._known.keys():
            self._store.put(self._name, msgspec.msgpack.encode(self._used))
            self._store.keep_newest(_KEPT)
