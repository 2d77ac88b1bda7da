"""Calls of converted code from code that stays sync: the mirror of `AsyncSession.run_sync`.

A Celery task, a command or a job of a scheduler goes on working in its thread, on its sync session
and driver; the coroutine that it calls works on that very session. So there is one transaction and
one identity map, no connection that belongs to an event loop, and what a task queue keeps for the
thread is still there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from contextvars import Context, copy_context
from itertools import islice
from types import FunctionType, MethodType, ModuleType
from typing import Any, TypeVar, cast

from sqlalchemy import inspect
from sqlalchemy.ext.asyncio import AsyncSession, async_session
from sqlalchemy.orm import InstanceState, Session, scoped_session
from sqlalchemy.util import await_only

from migrate_async.runtime.expiry import reload
from migrate_async.runtime.hop import HopSession
from migrate_async.runtime.legacy.deprecation import deprecated
from migrate_async.runtime.legacy.loop import CalledOnEventLoop
from migrate_async.runtime.legacy.over_sync import OverSyncSession
from migrate_async.runtime.on_loop import run_on_loop
from migrate_async.runtime.running import in_greenlet, loop_behind, running_loop

T = TypeVar("T")

_DEPTH = 3
"""How many objects deep a session is looked for: `service.users.db`."""

_CODE = (type, ModuleType, FunctionType, MethodType)
"""What keeps no session of a caller."""


@deprecated("call_async()", "`await`, from an async caller")
def call_async(function: Callable[..., Coroutine[Any, Any, T]], /, *args: Any, **kwargs: Any) -> T:
    """Call a coroutine function from sync code, and return what it returns.

    Each argument that is a sync session is given as its `async_side`. Everything happens in the
    calling thread, other than on the session of a request, which has its I/O done on the event
    loop. Whose session that is tell the arguments: sessions, objects of one, and objects that keep
    one, as that of a method. Context variables that are set stay set.

    :raises CalledOnEventLoop: this thread runs an event loop, and the coroutine waits for something
        else than its session: only `await` can do that.
    :raises LoopStalled: the event loop of the session does not even begin with it.
    """
    owner = getattr(function, "__self__", None)
    sessions = list(_sessions((owner, *args, *kwargs.values()), _DEPTH))
    named = {name: _given(value) for name, value in kwargs.items()}
    found = cast("T | Coroutine[Any, Any, T]", function(*map(_given, args), **named))
    if not isinstance(found, Coroutine):
        return found  # of a mock, which a test has put there
    with _commits_shown(sessions):
        return cast("T", _run(found, _loop_of(sessions)))


@deprecated("async_side()", "the `AsyncSession` itself, in an async caller")
def async_side(session: Session) -> AsyncSession:
    """An async session over `session`, or the `AsyncSession` whose sync side it is.

    For code that stays sync and makes an object whose methods are coroutines:
    `users = Users(async_side(db))`, and `call_async(users.get, 1)`. What it awaits is done with
    `session` at once, by the driver of that.
    """
    found = _sync(session)
    assert found is not None  # noqa: S101  as annotated; a `scoped_session` gives its session
    return _side_of(found)


def _sync(value: object) -> Session | None:
    found = value() if isinstance(value, scoped_session) else value
    return found if isinstance(found, Session) else None


def _given(value: Any) -> Any:
    session = _sync(value)
    return value if session is None else _side_of(session)


def _side_of(session: Session) -> AsyncSession:
    return async_session(session) or _over(session)


def _over(session: Session) -> AsyncSession:
    """The class of SQLModel has the method `exec`, as code that has both types may ask."""
    if not hasattr(session, "exec"):
        return OverSyncSession(session)
    from sqlmodel.ext.asyncio.session import AsyncSession as SQLModelSession  # noqa: PLC0415

    kind = type("OverSyncSession", (OverSyncSession, SQLModelSession), {})
    return kind(session)  # type: ignore[no-any-return]


def _sessions(values: Iterable[object], depth: int) -> Iterator[Session]:
    """The sessions among `values`, of them, and of what they keep."""
    for value in values:
        if isinstance(value, AsyncSession):
            yield value.sync_session
        elif isinstance(value, Session):
            yield value
        elif isinstance(value, scoped_session):
            yield from (value(),) if value.registry.has() else ()
        elif isinstance(value, _CODE):
            continue
        elif isinstance(state := inspect(value, raiseerr=False), InstanceState):
            yield from () if state.session is None else (state.session,)
        elif depth and state is None:
            yield from _sessions(_kept(value), depth - 1)


def _kept(value: object) -> Iterable[object]:
    """What `value` keeps; of a list the first will do: they have one session."""
    if isinstance(value, list | tuple | set | frozenset):
        return islice(value, 1)
    if isinstance(value, dict):
        return list(value.values())
    return list(vars(value).values()) if hasattr(value, "__dict__") else ()


def _loop_of(sessions: Iterable[Session]) -> asyncio.AbstractEventLoop | None:
    """The loop on which one of them does its I/O."""
    for session in sessions:
        if isinstance(session, HopSession) and session.loop is not None:
            return session.loop
        side = async_session(session)
        if side is not None and not isinstance(side, OverSyncSession):
            return loop_behind()
    return None


@contextmanager
def _commits_shown(sessions: Iterable[Session]) -> Iterator[None]:
    """A commit in there expires what the caller has, as when it was plain code."""
    before = {s: s.commits_of_coroutines for s in sessions if isinstance(s, HopSession)}
    try:
        yield
    finally:
        for session, commits in before.items():
            if session.commits_of_coroutines != commits:
                session.hop(reload, session)


def _run(coroutine: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop | None) -> T:
    if in_greenlet():
        return await_only(coroutine)
    running = running_loop()
    if running is not None:
        return _stepped(coroutine)
    if loop is not None:
        return cast("T", run_on_loop(loop, await_only, coroutine))
    return _on_own_loop(coroutine)


def _stepped(coroutine: Coroutine[Any, Any, T]) -> T:
    """On a session whose driver blocks, nothing waits."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    coroutine.close()
    raise CalledOnEventLoop(
        "call_async() was called on an event loop, and the coroutine waits: use `await` there"
    )


def _on_own_loop(coroutine: Coroutine[Any, Any, T]) -> T:
    """On a loop for this call, which nobody else sees: `asyncio.run` would leave none behind."""
    context: list[Context] = []

    async def run() -> T:
        try:
            return await coroutine
        finally:
            context.append(copy_context())

    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(run())
    finally:
        loop.run_until_complete(_end_all(loop))
        loop.close()
        for found in context:
            _take_over(found)


async def _end_all(loop: asyncio.AbstractEventLoop) -> None:
    """End what the coroutine has left behind."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    await loop.shutdown_asyncgens()
    await loop.shutdown_default_executor()


def _take_over(context: Context) -> None:
    before = copy_context()
    for variable, value in context.items():
        if variable not in before or before[variable] is not value:
            variable.set(value)
