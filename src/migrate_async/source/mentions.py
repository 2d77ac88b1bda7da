"""Where words are said in a project's files, code or not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path


def mentions(root: Path, paths: Iterable[str], words: Collection[str]) -> Counter[tuple[str, str]]:
    """How often each of `words` (ASCII) is said in each of `paths`, by path and word.

    Raises `OSError` when a file cannot be read.
    """
    found: Counter[tuple[str, str]] = Counter()
    alternatives = b"|".join(re.escape(word.encode("ascii")) for word in sorted(words))
    pattern = re.compile(rb"(?<![0-9A-Za-z_])(?:" + alternatives + rb")(?![0-9A-Za-z_])")
    wanted = [word.encode("ascii") for word in words]
    for path in paths:
        with open(f"{root}/{path}", "rb") as stream:  # noqa: PTH123 - thousands of them
            data = stream.read()
        if any(word in data for word in wanted):
            found.update((path, match.decode()) for match in pattern.findall(data))
    return found
