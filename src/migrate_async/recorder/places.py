"""Which line of the application is at work, found on the stack."""

from __future__ import annotations

import contextvars
import os
import sys
from types import CodeType, FrameType
from typing import Any, Callable, Dict, FrozenSet, Iterator, NamedTuple, Optional, Tuple

Place = Optional[Tuple[str, int]]
"""Path relative to the root, with forward slashes, and line."""

APPLICATION, ATTRIBUTES, STRATEGIES, LOADING, GREENLET = (
    "application",
    "attributes",
    "strategies",
    "loading",
    "greenlet",
)
"""What a file may be: the application's, or SQLAlchemy's for one of four tasks."""
RESPONSE, AWAITED = "response", "awaitable_attrs"
"""Who may act on behalf of a place, besides the libraries below."""
_LIBRARIES = {
    "/pydantic/": "pydantic",
    "/pydantic_core/": "pydantic",
    "/jinja2/": "jinja2",
    "/fastapi/routing.py": RESPONSE,
    "/fastapi/encoders.py": RESPONSE,
    "/sqlalchemy/orm/attributes.py": ATTRIBUTES,
    "/sqlalchemy/orm/strategies.py": STRATEGIES,
    "/sqlalchemy/orm/loading.py": LOADING,
    "/sqlalchemy/util/concurrency.py": GREENLET,
    "/sqlalchemy/util/_concurrency_py3k.py": GREENLET,
}
_NOT_OURS = ("/site-packages/", "/dist-packages/", "/.tox/", "/.nox/", "/.venv/")
ROUTE: contextvars.ContextVar[Optional[Callable[..., Any]]] = contextvars.ContextVar(
    "migrate_async_route", default=None
)
"""The function of the FastAPI route that the response is made for."""


class Sight(NamedTuple):
    """What the stack says, from the inside out to the first line of the application.

    `touched` is the frame of the attribute access that led here, `via` who acts on behalf of the
    place (see docs/record.md). `loader` is the frame of the query being loaded that asked for
    this one, as eager loads do. `is_get` says that an object was looked up by its primary key.
    """

    place: Place
    via: str
    touched: Optional[FrameType]
    loader: Optional[FrameType] = None
    is_get: bool = False


class _Asked:
    """Which parts of SQLAlchemy asked for a query, if no attribute access did.

    A loader strategy that the loading of another query called is an eager load; loading without
    a strategy is a look-up by primary key.
    """

    __slots__ = ("has_loading", "has_strategy", "loader")

    def __init__(self) -> None:
        self.has_strategy = self.has_loading = False
        self.loader: Optional[FrameType] = None

    def note(self, kind: str, frame: FrameType) -> None:
        if kind == STRATEGIES:
            self.has_strategy = True
            return
        self.has_loading = True
        if self.has_strategy and self.loader is None:
            self.loader = frame

    def told(self, sight: Sight) -> Sight:
        is_get = self.has_loading and not self.has_strategy
        return sight._replace(loader=self.loader, is_get=is_get) if self.has_loading else sight


class Places:
    """Finds places; what is known about each file of code is remembered."""

    def __init__(self, root: str) -> None:
        self._root = os.path.join(os.path.abspath(root), "")
        self._outside = _folders_of_python(self._root)
        self._files: Dict[str, Tuple[str, str]] = {}
        self.accesses: FrozenSet[CodeType] = frozenset()
        """The code of `__get__`, `__set__` and `__delete__` of instrumented attributes."""

    def see(self, frame: Optional[FrameType]) -> Sight:
        """What is seen from `frame` outwards."""
        via = ""
        touched: Optional[FrameType] = None
        asked = _Asked()
        for around in _frames(frame):
            code = around.f_code
            kind, path = self._files.get(code.co_filename) or self._file(code.co_filename)
            if not kind:
                continue
            if kind == APPLICATION:
                return asked.told(Sight((path, _line(around)), via, touched))
            if kind == RESPONSE:
                break
            if kind == ATTRIBUTES:
                touched = touched or (around if code in self.accesses else None)
            elif kind in {STRATEGIES, LOADING}:
                if touched is None:
                    asked.note(kind, around)
            elif kind != GREENLET:
                via = via or kind
            elif touched is not None and around.f_locals.get("fn") is getattr:
                via = AWAITED
        return asked.told(self._response(via, touched))

    def _response(self, via: str, touched: Optional[FrameType]) -> Sight:
        route = ROUTE.get()
        code = getattr(route, "__code__", None)
        if touched is None or code is None:
            return Sight(None, via, touched)
        kind, path = self._file(code.co_filename)
        if kind != APPLICATION:
            return Sight(None, RESPONSE, touched)
        return Sight((path, code.co_firstlineno), RESPONSE, touched)

    def _file(self, name: str) -> Tuple[str, str]:
        """What kind of file it is, and its path relative to the root if it is the application's."""
        found = self._files.get(name)
        if found is None:
            found = self._files[name] = self._classified(name)
        return found

    def _classified(self, name: str) -> Tuple[str, str]:
        if name.startswith("<"):
            return ("", "")
        absolute = os.path.abspath(name)
        path = absolute.replace(os.sep, "/")
        is_inside = absolute.startswith(self._root) and not absolute.startswith(self._outside)
        if is_inside and not any(part in path for part in _NOT_OURS):
            return (APPLICATION, absolute[len(self._root) :].replace(os.sep, "/"))
        for part, kind in _LIBRARIES.items():
            if part in path:
                return (kind, "")
        return ("", "")


def _folders_of_python(root: str) -> Tuple[str, ...]:
    """Virtual environments below the root, which are not the application."""
    prefixes = {os.path.join(os.path.abspath(p), "") for p in (sys.prefix, sys.exec_prefix)}
    return tuple(prefix for prefix in prefixes if prefix != root and prefix.startswith(root))


def _line(frame: FrameType) -> int:
    """The line, in the template where the code was made of one."""
    template = frame.f_globals.get("__jinja_template__")
    if template is not None:
        return int(template.get_corresponding_lineno(frame.f_lineno))
    return frame.f_lineno


def _frames(frame: Optional[FrameType]) -> Iterator[FrameType]:
    """From `frame` outwards, also to where the greenlet was started that it runs in.

    Code under an AsyncSession runs in one, and its stack ends there.
    """
    module = sys.modules.get("greenlet")
    greenlet = None if module is None else module.getcurrent()
    while True:
        while frame is not None:
            yield frame
            frame = frame.f_back
        greenlet = getattr(greenlet, "parent", None)
        if greenlet is None:
            return
        frame = greenlet.gr_frame
