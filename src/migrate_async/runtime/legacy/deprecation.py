"""Deprecation warnings of the sync shim: once per call site, and counted at each call."""

from __future__ import annotations

import inspect
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, TypeVar

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


P = ParamSpec("P")
R = TypeVar("R")

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


def deprecated(name: str, replacement: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Warn of, and count, each call of a function of the shim."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def warning(*args: P.args, **kwargs: P.kwargs) -> R:
            warn_legacy(name, replacement)
            return function(*args, **kwargs)

        return warning

    return decorate


def sync_twin(name: str, _fingerprint: str = "") -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Mark a function as the deprecated sync original of the coroutine function `name` beside it.

    Each call is counted, the first from each place warned of. `migrate` writes the fingerprint, to
    tell whether one of the two was edited since.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        if inspect.iscoroutinefunction(function):
            raise TypeError(f"{function.__qualname__} is a coroutine function: mark the sync one")
        return deprecated(function.__qualname__, name)(function)

    return decorate


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
