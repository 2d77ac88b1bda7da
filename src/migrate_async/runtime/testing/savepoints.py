"""Several units of work on one real transaction, kept apart by savepoints.

A unit is what one session does between its first statement and its COMMIT or ROLLBACK. Here COMMIT
means: release the unit's savepoint, and ROLLBACK: roll back to it. Savepoints form a stack, whereas
units (the session of a test, one session per request) begin and end in any order. Therefore:

* a unit gets its savepoint at its first write, on top of the stack: a session that has only read
  undoes nothing when it rolls back;
* the savepoint of a committed unit stays until it is on top;
* on PostgreSQL, where an error aborts the transaction, reads are protected by a guard: a savepoint
  that belongs to nobody.

One order cannot be emulated: a unit with uncommitted writes rolls back after a later one committed.
The later work is lost too, which the caller is told.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy.util import await_only

from migrate_async.runtime.legacy.bridge import call_on_loop

T = TypeVar("T")

_READS = re.compile(r"\s*(SELECT|SHOW|PRAGMA|EXPLAIN|VALUES)\b", re.IGNORECASE)


class Savepoint:
    """One entry of the stack; `open` while the unit it belongs to has not ended."""

    def __init__(self, name: str, *, open: bool) -> None:  # noqa: A002
        self.name = name
        self.open = open
        self.written = False
        """Whether anything was written since, by this unit or by those released into it."""
        self.covers_others = False
        """Whether committed work of another unit would be lost by a rollback."""


class Unit:
    """The state of one session's transaction; `failed` after an error until it ends."""

    def __init__(self) -> None:
        self.savepoint: Savepoint | None = None
        self.failed = False


class SavepointStack:
    """The savepoints on one real DBAPI connection, which belongs to one event loop.

    `call` may be used wherever sync database code may be: in a thread, or in a greenlet on any
    event loop. Calls take turns. All other methods are made to be called through it.

    :param guards: whether an error in a read must not abort the transaction: on PostgreSQL.
    """

    def __init__(
        self, dbapi_connection: Any, loop: asyncio.AbstractEventLoop, *, guards: bool
    ) -> None:
        self.real = dbapi_connection
        self.closed = False
        self._loop = loop
        self._guards = guards
        self._turn = asyncio.Lock()
        self._numbers = itertools.count(1)
        self._stack: list[Savepoint] = []

    def call(self, function: Callable[..., T], *arguments: Any, **options: Any) -> T:
        """Call a function on the loop of the connection when no other call is under way.

        :raises RuntimeError: the transaction is over, the connection belongs to somebody else.
        """
        if self.closed:
            raise RuntimeError("a session was used after the test that it belongs to")
        result: T = call_on_loop(self._loop, self._in_turn, function, *arguments, **options)
        return result

    def _in_turn(self, function: Callable[..., T], *arguments: Any, **options: Any) -> T:
        await_only(self._turn.acquire())
        try:
            return function(*arguments, **options)
        finally:
            self._turn.release()

    def execute(self, unit: Unit, cursor: Any, method: str, *arguments: Any) -> Any:
        """Call `execute` or `executemany` of a cursor for a unit."""
        self._prepare(unit, is_read=_READS.match(arguments[0]) is not None)
        try:
            return getattr(cursor, method)(*arguments)
        except BaseException:
            unit.failed = True
            raise

    def commit(self, unit: Unit) -> bool:
        """End a unit and keep its work; whether work of others was lost (after an error only)."""
        if unit.failed:
            return self.roll_back(unit)
        if unit.savepoint is not None:
            unit.savepoint.open = False
            self._release_top()
        return False

    def roll_back(self, unit: Unit) -> bool:
        """End a unit and undo its work; whether work of others was lost with it."""
        savepoint = unit.savepoint
        if savepoint is None and unit.failed and self._guards:
            savepoint = self._stack[-1]
        if savepoint not in self._stack:
            return False
        position = self._stack.index(savepoint)
        later = self._stack[position + 1 :]
        del self._stack[position:]
        self._send(f"ROLLBACK TO SAVEPOINT {savepoint.name}")
        self._send(f"RELEASE SAVEPOINT {savepoint.name}")
        self._release_top()
        return savepoint.covers_others or any(other.written for other in later)

    def _prepare(self, unit: Unit, *, is_read: bool) -> None:
        if not is_read and unit.savepoint is None:
            unit.savepoint = self._push(open=True)
        if not is_read:
            self._stack[-1].written = True
        elif self._guards and unit.savepoint is None and self._needs_guard():
            self._push(open=False)

    def _needs_guard(self) -> bool:
        return not self._stack or self._stack[-1].written

    def _push(self, *, open: bool) -> Savepoint:  # noqa: A002
        savepoint = Savepoint(f"unit_{next(self._numbers)}", open=open)
        self._send(f"SAVEPOINT {savepoint.name}")
        self._stack.append(savepoint)
        return savepoint

    def _release_top(self) -> None:
        """Release what has ended, down to the first savepoint that a unit still needs."""
        while self._stack and not self._stack[-1].open:
            ended = self._stack.pop()
            self._send(f"RELEASE SAVEPOINT {ended.name}")
            if self._stack and ended.written:
                self._stack[-1].written = self._stack[-1].covers_others = True

    def _send(self, statement: str) -> None:
        cursor = self.real.cursor()
        cursor.execute(statement)
        cursor.close()
