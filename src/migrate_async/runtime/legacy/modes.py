"""How sync database code of a route is run: four modes, each chosen by one line.

* the application: `install(app, mode="hop")`;
* a router: `APIRouter(dependencies=[in_mode("loop")])`;
* a route: `@use_mode("threads")` under the route decorator, or `dependencies=[in_mode(...)]`.

The most specific choice wins.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any, TypeVar

from migrate_async.runtime.errors import MigrateAsyncRuntimeError, MissingDependencyError
from migrate_async.runtime.tracking import current_scope

F = TypeVar("F", bound=Callable[..., Any])

_MARK = "__migrate_async_mode__"


class Mode(str, enum.Enum):
    """Where sync database code runs, and over which driver."""

    THREADS = "threads"
    """In worker threads, over a second engine with a sync driver. Compatible to the letter."""

    HOP = "hop"
    """In worker threads, over the one async engine: each database call hops to the event loop.
    Nothing blocks the loop; the driver is the async one."""

    LOOP = "loop"
    """In greenlets on the event loop, over the one async engine. The fastest; any other
    blocking call (`time.sleep`, `requests`, a lock held over a query) stops the loop."""

    NATIVE = "native"
    """The route is migrated: opening a sync session in it is an error."""

    def __str__(self) -> str:
        return self.value


DEFAULT_MODE = Mode.HOP
ON_ASYNC_ENGINE = frozenset({Mode.HOP, Mode.LOOP})
_default = DEFAULT_MODE
_chosen: set[Mode] = set()
_marked: set[Mode] = set()


class SyncSessionRefused(MigrateAsyncRuntimeError):
    """A route declared native opened a sync session."""


def set_default_mode(mode: Mode | str) -> None:
    """The mode of code outside of any request: start-up, scripts, threads of your own."""
    global _default  # noqa: PLW0603
    _default = Mode(mode)


def current_mode() -> Mode:
    """The mode in force here."""
    scope = current_scope()
    if scope is None or scope.mode is None:
        return _default
    return Mode(scope.mode)


def in_mode(mode: Mode | str) -> Any:
    """A dependency for `dependencies=[...]` of a router, an include or a route."""
    try:
        from fastapi import Depends  # noqa: PLC0415
    except ImportError as error:
        raise MissingDependencyError("fastapi", "fastapi") from error
    chosen = Mode(mode)
    _chosen.add(chosen)

    # A coroutine function: it runs in the request's task, before any sync dependency.
    async def choose_mode() -> None:
        scope = current_scope()
        if scope is not None and not scope.pinned:
            scope.mode = chosen

    return Depends(choose_mode)


def use_mode(mode: Mode | str) -> Callable[[F], F]:
    """Mark a route's function with its mode."""
    chosen = Mode(mode)
    _marked.add(chosen)

    def mark(function: F) -> F:
        setattr(function, _MARK, chosen)
        return function

    return mark


def needs_driving(mode: Mode | str | None) -> bool:
    """Whether a route that starts in this mode may come to await implicitly.

    With `threads` that is so only if a dependency may yet choose another mode.
    """
    if mode == Mode.THREADS:
        return not ON_ASYNC_ENGINE.isdisjoint(_chosen)
    return mode in ON_ASYNC_ENGINE


def may_block_the_loop() -> bool:
    """Whether what runs here, in a thread of its own, may be what a route on the loop waits for.

    In the mode `loop` a route which starts threads and joins them stops the event loop.
    """
    scope = current_scope()
    if scope is not None and scope.mode is not None:
        return scope.mode == Mode.LOOP
    return Mode.LOOP in {_default, *_chosen, *_marked}


def marked_mode(function: Any) -> Mode | None:
    """The mode that `use_mode` gave a function."""
    mode = getattr(function, _MARK, None)
    return mode if isinstance(mode, Mode) else None
