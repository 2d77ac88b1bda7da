"""A part of a project's files that machines can share out without talking to each other."""

from __future__ import annotations

import hashlib
import re

import msgspec

from migrate_async.errors import UsageError


class Shard(msgspec.Struct, frozen=True):
    """Part `number` (from 1) of `count`. Which part a file is in depends on its path only."""

    number: int = 1
    count: int = 1

    def has(self, path: str) -> bool:
        """Whether the file `path` (relative, with forward slashes) is in this part."""
        digest = hashlib.sha256(path.encode("utf-8", "surrogateescape")).digest()
        return int.from_bytes(digest[:8], "big") % self.count == self.number - 1


WHOLE = Shard()
"""The one part that has every file."""


def parse_shard(text: str) -> Shard:
    """The shard that `2/5` means. Raises `UsageError` for anything but a part of a whole."""
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise UsageError(f"--shard {text}: expected I/N with 1 <= I <= N, such as 2/5")
    return Shard(int(match[1]), int(match[2]))
