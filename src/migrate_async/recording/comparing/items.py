"""The executions of a test, taken apart into what is compared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from migrate_async.model.profile import VARIES, RecordedTest
from migrate_async.recording.comparing import normal

_UUID = re.compile(r"<uuid \d+>")
_INTEGER = re.compile(r'"([+-]?\d+)"')

Rows = tuple[tuple[str, ...], ...]


class Item(NamedTuple):
    """One execution. `key` is the comparable text; `sql` the recorded one.

    `after_end` says that a COMMIT or ROLLBACK came before it in the test, so that a sync session
    had expired what it held.
    """

    key: str
    rows: Rows
    sql: str
    cause: str
    at: str
    after_end: bool


class Executed(NamedTuple):
    """Writes, with the ends of transactions that had any, in order; and reads, in any order."""

    writes: list[Item]
    reads: list[Item]


def executed(test: RecordedTest, statements: Mapping[str, str]) -> Executed:
    """What `test` did. The end of a transaction that wrote nothing is nothing to compare."""
    found = Executed([], [])
    has_written = False
    has_ended = False
    for execution in test.executions:
        sql = statements[execution.statement]
        is_end = sql in ("COMMIT", "ROLLBACK")
        item = Item(
            normal.comparable(sql),
            execution.parameters,
            sql,
            execution.cause,
            execution.at,
            has_ended,
        )
        if normal.is_write(sql) or normal.is_boundary(sql):
            if has_written or not is_end:
                found.writes.extend([item] * execution.count)
            has_written = not is_end
        else:
            found.reads.extend([item] * execution.count)
        has_ended = has_ended or is_end
    return found


def same_values(one: Rows, other: Rows) -> bool:
    """Whether the values are equal as far as they can be: `VARIES` is equal to everything.

    Random UUIDs are numbered as they appear, and reads may come in another order. A text that is
    an integer is one for the column that it is compared with (see `runtime.as_integer`).
    """
    if one == other:
        return True
    if [len(row) for row in one] != [len(row) for row in other]:
        return False
    pairs = zip(one, other, strict=True)
    return all(_same(*values) for pair in pairs for values in zip(*pair, strict=True))


def _same(one: str, other: str) -> bool:
    return one == other or VARIES in (one, other) or _plain(one) == _plain(other)


def _plain(value: str) -> str:
    integer = _INTEGER.fullmatch(value)
    return integer[1] if integer else _UUID.sub("<uuid>", value)
