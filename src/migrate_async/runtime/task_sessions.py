"""A session for each task: the counterpart of a `scoped_session`, which has one for each thread."""

from __future__ import annotations

from asyncio import current_task
from typing import TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session, async_sessionmaker

_S = TypeVar("_S", bound=AsyncSession)


def task_scoped_session(session_factory: async_sessionmaker[_S]) -> async_scoped_session[_S]:
    """An `async_scoped_session` with one session for each task, which it forgets with the task.

    A `scoped_session` forgets those of a thread with the thread; with `scopefunc=current_task`
    alone, SQLAlchemy would keep each task, and its session, until `remove()`.
    """
    scoped = async_scoped_session(session_factory, scopefunc=current_task)
    scoped.registry.registry = WeakKeyDictionary()
    return scoped
