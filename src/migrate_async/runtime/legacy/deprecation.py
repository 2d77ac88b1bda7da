"""Deprecation warnings of the sync shim: once per call site, and counted at each call."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from migrate_async.runtime.frames import Location, app_location


class LegacyShimWarning(DeprecationWarning):
    """A part of the sync shim was used; the message names what replaces it."""


@dataclass(frozen=True, slots=True)
class LegacyUse:
    """One call site of the shim and how often it was reached."""

    name: str
    replacement: str
    location: Location
    count: int


_lock = threading.Lock()
_silent: ContextVar[bool] = ContextVar("migrate_async_counted_elsewhere", default=False)
_counts: dict[tuple[str, str, Location], int] = {}


def warn_legacy(name: str, replacement: str, location: Location | None = None) -> Location:
    """Count one use of `name`, and warn when its call site is seen for the first time.

    The call site is the innermost application line on the stack, unless `location` is given.
    """
    where = app_location() if location is None else location
    if _silent.get():
        return where
    key = (name, replacement, where)
    with _lock:
        first = key not in _counts
        _counts[key] = _counts.get(key, 0) + 1
    if first:
        warnings.warn_explicit(
            f"{name} is the deprecated sync shim of migrate-async; use {replacement} instead",
            LegacyShimWarning,
            filename=where.filename,
            lineno=where.lineno,
        )
    return where


@contextmanager
def counted_elsewhere() -> Iterator[None]:
    """Neither warn nor count inside: the caller does, under a better name."""
    token = _silent.set(True)
    try:
        yield
    finally:
        _silent.reset(token)


def legacy_uses() -> list[LegacyUse]:
    """Every call site of the shim so far, the most frequent first."""
    with _lock:
        items = list(_counts.items())
    uses = [LegacyUse(name, use, where, count) for (name, use, where), count in items]
    return sorted(uses, key=lambda use: (-use.count, use.location, use.name))


def forget_legacy_uses() -> None:
    """Start counting, and warning, from nothing."""
    with _lock:
        _counts.clear()
