"""Coroutines that share a sync session take turns, as they always did.

Between two of its own awaits a coroutine used to have the event loop, and so its session, for
itself: a query did not let another coroutine run. In a greenlet it does. So what runs there keeps
the sessions it uses until it awaits something itself, and others wait for them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Generic, TypeVar

from greenlet import getcurrent
from sqlalchemy.util import await_only

_T = TypeVar("_T")

_ATTRIBUTE = "_migrate_async_turn"


class Turns(Coroutine[Any, Any, _T], Generic[_T]):
    """`coroutine`, which gives back the sessions that it has taken whenever it awaits."""

    def __init__(self, coroutine: Coroutine[Any, Any, _T]) -> None:
        self._coroutine = coroutine
        self._taken: list[asyncio.Lock] = []

    def send(self, value: Any) -> Any:
        setattr(getcurrent(), _ATTRIBUTE, self)
        try:
            return self._coroutine.send(value)
        finally:
            self._give_back()

    def throw(self, *error: Any) -> Any:
        setattr(getcurrent(), _ATTRIBUTE, self)
        try:
            return self._coroutine.throw(*error)
        finally:
            self._give_back()

    def close(self) -> None:
        self._coroutine.close()

    def __await__(self) -> Any:
        return self._coroutine.__await__()

    def take(self, lock: asyncio.Lock) -> None:
        """Wait for the session of `lock`, unless it is taken already."""
        if lock not in self._taken:
            await_only(lock.acquire())
            self._taken.append(lock)

    def _give_back(self) -> None:
        while self._taken:
            self._taken.pop().release()


def take_turn(session: object) -> None:
    """Before `session` is used in a greenlet: wait until no other coroutine is at it."""
    turns = getattr(getcurrent(), _ATTRIBUTE, None)
    if turns is None:
        return
    lock = session.__dict__.get(_ATTRIBUTE)
    if lock is None:
        lock = session.__dict__[_ATTRIBUTE] = asyncio.Lock()
    turns.take(lock)
