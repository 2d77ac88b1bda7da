"""Which line of the application is responsible: the first stack frame that is not a library's.

A stack inside a greenlet ends where the greenlet starts; the walk goes on in its parent. A call
handed to another thread has no application frame at all; there the caller's location travels
in a context variable (`carry`).
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from greenlet import getcurrent

_MAX_FRAMES = 200
_LIBRARY_FOLDERS = tuple(
    {
        f"{Path(path)}/"
        for name, path in sysconfig.get_paths().items()
        if name in {"stdlib", "platstdlib", "purelib", "platlib", "scripts"}
    }
    | {f"{Path(__file__).parents[1]}/"}
)
_LIBRARY_MARKS = ("/site-packages/", "/dist-packages/")
_is_library: dict[str, bool] = {}
_carried: ContextVar[Location | None] = ContextVar("migrate_async_location", default=None)


class Location(NamedTuple):
    """A line of source code: where something was opened, called or loaded."""

    filename: str
    lineno: int
    function: str = ""

    def __str__(self) -> str:
        return f"{self.filename}:{self.lineno}"


UNKNOWN = Location("<unknown>", 0)


def app_location(fallback: Location = UNKNOWN) -> Location:
    """The carried line, else the innermost application line on the stack, else `fallback`."""
    carried = _carried.get()
    if carried is not None:
        return carried
    for frame in _frames(sys._getframe(1)):
        filename = frame.f_code.co_filename
        if not is_library(filename):
            return Location(filename, frame.f_lineno, frame.f_code.co_name)
    return fallback


def location_of(function: object) -> Location:
    """Where a function is defined; `UNKNOWN` for anything without Python code."""
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    code = getattr(function, "__code__", None)
    if code is None:
        return UNKNOWN
    return Location(code.co_filename, code.co_firstlineno, code.co_name)


@contextmanager
def carry(location: Location) -> Iterator[None]:
    """Let code that runs on behalf of this line, in another thread, name it as its own."""
    token = _carried.set(location)
    try:
        yield
    finally:
        _carried.reset(token)


def is_library(filename: str) -> bool:
    """Whether a file belongs to the standard library, to an installed package or to us."""
    known = _is_library.get(filename)
    if known is None:
        path = filename.replace("\\", "/")
        known = path.startswith(("<", *_LIBRARY_FOLDERS)) or any(
            mark in path for mark in _LIBRARY_MARKS
        )
        _is_library[filename] = known
    return known


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    current = getcurrent()
    for _ in range(_MAX_FRAMES):
        while frame is None:
            if current.parent is None:
                return
            current = current.parent
            frame = current.gr_frame
        yield frame
        frame = frame.f_back
