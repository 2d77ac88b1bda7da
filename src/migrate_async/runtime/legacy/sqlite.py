"""Transactions of sync sessions on SQLite begin with their first write, as they always did.

Python's `sqlite3` begins a transaction before the first INSERT, UPDATE or DELETE; what is read
before that is read in autocommit mode. Legacy code relies on it without knowing: it keeps a
session that has only read open while another one writes. With the `BEGIN IMMEDIATE` that the
async engine sends first, those two would wait for each other.

Here the read part runs in autocommit mode too, and the write part starts with `BEGIN IMMEDIATE`,
so that writers queue up instead of failing.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Connection, Engine, event

_LAZY = "LAZY"
_WRITES = re.compile(
    r"\s*(?:INSERT|UPDATE|DELETE|REPLACE|CREATE|DROP|ALTER|SAVEPOINT"
    r"|WITH\b.*?\b(?:INSERT|UPDATE|DELETE|REPLACE)\s)",
    re.IGNORECASE | re.DOTALL,
)

SKIP_BEGIN = {"sqlite_begin": _LAZY}
"""Engine options that make the async engine's own `BEGIN` recognisable, see `begin_lazily`."""


def begin_lazily(engine: Engine) -> None:
    """Drop the `BEGIN` at the start of a transaction, send one before the first write."""
    event.listen(engine, "do_execute", _skip_begin)
    event.listen(engine, "before_cursor_execute", _begin_before_write)


def _skip_begin(_cursor: Any, statement: str, *_: Any) -> bool | None:
    return True if statement == f"BEGIN {_LAZY}" else None


def _begin_before_write(connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
    if _WRITES.match(statement) is None:
        return
    if connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
        return
    if not connection.connection.driver_connection.in_transaction:  # type: ignore[union-attr]
        connection.exec_driver_sql("BEGIN IMMEDIATE")
