"""What the bytes of a file say about databases and imports, by the digest of the content.

With it most files of a large project need not be read again to know what database code reaches.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from migrate_async.config import Settings
from migrate_async.source.imports import import_lines
from migrate_async.source.memo import key_of
from migrate_async.source.needles import Needles
from migrate_async.source.read import digest_of
from migrate_async.source.table import Table

_FOLDER = "reach"


class Signs(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Whether a file uses a database by itself, and its lines that import, each once."""

    uses_database: bool
    imports: tuple[bytes, ...]


def read_signs(data: bytes, needles: Needles) -> Signs:
    """The signs in the content `data` of a file."""
    return Signs(needles.in_bytes(data), tuple(dict.fromkeys(import_lines(data))))


class SignsCache:
    """The signs of contents that were seen before, below the folder `cache`; None keeps nothing."""

    def __init__(self, cache: Path | None, settings: Settings, needles: Needles) -> None:
        self._needles = needles
        self._keeps = cache is not None
        names = settings.session_names, settings.registry_keys, settings.session_resolvers
        name = key_of(_FOLDER, names) if self._keeps else ""
        self._table = Table(cache, _FOLDER, Signs, name)

    def get(self, digest: str) -> Signs | None:
        """The signs of the content with that digest, if it was seen before."""
        return self._table.get(digest)

    def read(self, data: bytes) -> Signs:
        """The signs in `data`, which are remembered."""
        found = read_signs(data, self._needles)
        if self._keeps:
            self._table.put(digest_of(data), found)
        return found

    def save(self) -> None:
        """Keep what was asked for or read, and nothing else."""
        self._table.save()
