"""The deprecated names of migrate-async: what keeps sync code running, and what replaces it."""

from __future__ import annotations

_DEPENDS = "`db: AsyncSession = Depends(get_db)`"
_DATABASE = "`init_db()` and the session that `get_db` gives"

SHIM: dict[str, str] = {
    "Container": _DEPENDS,
    "HopSession": "coroutines on the AsyncSession itself",
    "LegacySession": _DEPENDS,
    "SyncSessionAdapter": "tests on an AsyncSession",
    "adopt_registry": _DEPENDS,
    "async_side": "coroutines on the AsyncSession itself",
    "blocking_engine": "the async engine",
    "blocking_session": _DEPENDS,
    "call_async": "a coroutine that awaits the call",
    "get_sync_db": _DEPENDS,
    "hop_class": "coroutines on the AsyncSession itself",
    "implicit_io": "`await` on an AsyncSession",
    "in_mode": "an `async def` route",
    "install": "`async def` routes with `Depends(get_db)`",
    "install_overrides": "tests that override `get_db`",
    "legacy_engine": _DATABASE,
    "legacy_sessionmaker": _DATABASE,
    "run_async": "a coroutine that awaits the call",
    "sync_side": "coroutines on the AsyncSession itself",
    "sync_twin": "the coroutine function that it names",
    "use_mode": "an `async def` route",
}
"""Public names of `migrate_async` that go when the migration is done."""


def sync_name_of(name: str) -> str:
    """What the codemods call the sync twin of an engine or a function: `sync_engine`.

    One whose name says `sync_` already, and which becomes async, gets a `blocking_engine`.
    """
    bare = name.removeprefix("sync_")
    return f"sync_{name}" if bare == name else f"blocking_{bare}"


def sync_class_name_of(name: str) -> str:
    """The same of a session factory or an alias of a type: `SyncSessionLocal`."""
    if name == name.lower():
        return sync_name_of(name)
    bare = name.removeprefix("Sync")
    return f"Sync{name}" if bare == name else f"Blocking{bare}"


TWIN_SUFFIX = "_async"
TWIN_MARK = "sync_twin"
"""What the async twin of a function is called, and the decorator of its sync original."""

IMPLICIT_IO = "implicit_io"
"""The decorator of coroutines that stay sync on the session of a request."""

BLOCKING_ENGINE = "blocking_engine"
"""The function of the runtime that gives the sync engine beside an async one of an object."""

BLOCKING_SESSION = "blocking_session"
"""The context manager of the runtime that opens a session on the sync driver beside a request's."""

CALL_ASYNC = "call_async"
ASYNC_SIDE = "async_side"
"""Functions of the runtime for code that stays sync: by one it calls a coroutine function, by the
other it makes objects whose methods are."""

SYNC_SIDE = "sync_side"
"""The function of the runtime that serves sessions which no factory makes."""

PACKAGE = "migrate_async"
"""Where the names of `SHIM` are imported from."""

BRIDGES = {
    "run_sync": "run_sync",
    "run_in_threadpool": "thread",
    "to_thread": "thread",
}
"""Callables through which a coroutine reaches sync code, and the kind of bridge that they are."""
