"""Packages of rules that other distributions bring."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

GROUP = "migrate_async.rules"
"""The group of entry points whose values name packages of rules."""


def packages() -> list[str]:
    """The packages that installed distributions name, in order."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow, and mostly not needed

    return sorted(entry.value for entry in entry_points(group=GROUP))


def installed() -> tuple[str, ...]:
    """What is installed, as the names of metadata folders, which hold the versions.

    A result depends on it: any distribution may bring rules.
    """
    found: list[str] = []
    for folder in sys.path:
        with suppress(OSError):
            found += (name for name in os.listdir(folder or ".") if name.endswith("-info"))  # noqa: PTH208 - names are enough
    return tuple(sorted(found))
