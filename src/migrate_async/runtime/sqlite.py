"""SQLite under concurrency: write-ahead log, busy timeout, foreign keys, explicit BEGIN.

Python's `sqlite3` opens transactions lazily and in deferred mode, which breaks savepoints and
transactional DDL, and makes a transaction that reads first and writes later fail at once with
"database is locked", whatever the timeout. So the driver's own transaction control is switched
off and every transaction starts with `BEGIN IMMEDIATE`: writers queue up for `busy_timeout`.

A connection which only reads need not take the write lock::

    await session.connection(execution_options={"sqlite_begin": "DEFERRED"})

The functions take any sync `Engine`; for an `AsyncEngine` pass its `sync_engine`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import URL

BeginMode = Literal["IMMEDIATE", "DEFERRED", "EXCLUSIVE"]
Pragmas = Mapping[str, str | int]

FILE_PRAGMAS: Pragmas = {"busy_timeout": 30_000, "foreign_keys": 1, "journal_mode": "WAL"}
"""In this order: changing the journal mode may itself have to wait. The timeout is in ms."""
MEMORY_PRAGMAS: Pragmas = {"foreign_keys": 1}


def is_sqlite_memory(url: URL) -> bool:
    """Whether the database lives in memory, so that it dies with its last connection."""
    database = url.database or ":memory:"
    return ":memory:" in database or url.query.get("mode") == "memory"


def is_sqlite_shared_memory(url: URL) -> bool:
    """Whether several connections can share the in-memory database (`cache=shared`)."""
    return is_sqlite_memory(url) and url.query.get("cache") == "shared"


def install_sqlite(
    engine: Engine, *, begin: BeginMode = "IMMEDIATE", pragmas: Pragmas | None = None
) -> None:
    """Set the PRAGMAs on each new connection and start each transaction explicitly.

    `pragmas` are added to the defaults (`FILE_PRAGMAS` or `MEMORY_PRAGMAS`) or replace them
    name by name.
    """
    in_memory = is_sqlite_memory(engine.url)
    settings = {**(MEMORY_PRAGMAS if in_memory else FILE_PRAGMAS), **(pragmas or {})}
    default_begin = "DEFERRED" if in_memory else begin

    @event.listens_for(engine, "connect")
    def configure(dbapi_connection: Any, _record: object) -> None:
        dbapi_connection.isolation_level = None
        cursor = dbapi_connection.cursor()
        for name, value in settings.items():
            cursor.execute(f"PRAGMA {name}={value}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def start_transaction(connection: Connection) -> None:
        options = connection.get_execution_options()
        if options.get("isolation_level") == "AUTOCOMMIT" or _in_transaction(connection):
            return
        connection.exec_driver_sql(f"BEGIN {options.get('sqlite_begin', default_begin)}")


def _in_transaction(connection: Connection) -> bool:
    """Whether a transaction is open: sessions on one in-memory connection share it."""
    return bool(getattr(connection.connection.driver_connection, "in_transaction", False))
