"""A connection that stays open on some path."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.lint.leaks import LeakRule, confidence_of, leak_place, lends, surest
from migrate_async.lint.resources.fate import Fate, LeakKind
from migrate_async.lint.rule import Example
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence, Finding


class ConnectionNotClosed(LeakRule):
    """A connection of an engine or of a driver is not closed on every path.

    ## Why

    `engine.connect()` and `engine.raw_connection()` take a connection out of the pool; only
    `close()` puts it back. A driver's `connect()` opens a new one at the server, which allows a
    limited number of them.

    ## Fix

    Open it with `with`: `with engine.connect() as connection:`. For a raw connection, and for
    drivers whose `with` ends the transaction only (`psycopg2`, `sqlite3`), use
    `contextlib.closing`.

    ## False alarms

    A connection that is handed to code outside the project may be closed there; such findings
    have medium confidence, as have those in tests. In-memory databases are left alone.
    """

    CODE = "MA617"
    CONSEQUENCE = "each such call keeps a connection until the pool, or the server, has none left"
    REMEDY = "open it in a `with` block (`contextlib.closing` for raw connections)"
    FAMILIES = frozenset({"connection"})
    EXAMPLES = (
        Example(
            "a connection that is never closed",
            """\
from sqlalchemy import create_engine, text

engine = create_engine("postgresql:///shop")


def count():
    connection = engine.connect()  # error
    return connection.execute(text("SELECT count(*) FROM items")).scalar()
""",
            fixed="""\
from sqlalchemy import create_engine, text

engine = create_engine("postgresql:///shop")


def count():
    with engine.connect() as connection:
        return connection.execute(text("SELECT count(*) FROM items")).scalar()
""",
        ),
        Example(
            "a connection that is used in passing",
            """\
from sqlalchemy import create_engine, text

engine = create_engine("postgresql:///shop")


def names():
    return engine.connect().execute(text("SELECT name FROM items")).all()  # error
""",
        ),
        Example(
            "an exception goes round the close of a raw connection",
            """\
from sqlalchemy import create_engine

engine = create_engine("postgresql:///shop")


def load(rows):
    raw = engine.raw_connection()  # error
    raw.cursor().executemany("INSERT INTO items VALUES (%s)", rows)
    raw.commit()
    raw.close()
""",
        ),
        Example(
            "a driver's connection, left by an early return",
            """\
import psycopg2


def version(dsn, wanted):
    connection = psycopg2.connect(dsn)  # error
    if not wanted:
        return None
    try:
        return connection.server_version
    finally:
        connection.close()
""",
        ),
        Example(
            "a with block puts it back",
            """\
from sqlalchemy import create_engine, text

engine = create_engine("postgresql:///shop")


def count():
    with engine.connect() as connection:
        return connection.execute(text("SELECT count(*) FROM items")).scalar()


def clear():
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM items"))
""",
        ),
        Example(
            "finally puts it back",
            """\
import sqlite3
from contextlib import closing


def count(path):
    connection = sqlite3.connect(path)
    try:
        return connection.execute("SELECT count(*) FROM items").fetchone()
    finally:
        connection.close()


def names(path):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT name FROM items").fetchall()
""",
        ),
    )

    def findings_of(self, fate: Fate) -> Iterator[Finding]:
        leak = surest(fate.leaks)
        if leak is None or (fate.escapes and not fate.is_closed_somewhere):
            return
        resource = fate.resource
        if _is_in_memory(resource.node):
            return
        is_test = resource.function.module.is_test
        noun = resource.noun
        if lends(fate):
            message = f"this {noun} is yielded and not closed on every path"
        elif leak.kind is LeakKind.DROPPED:
            message = f"this {noun} is used in passing, and nothing holds it to close it"
        elif not fate.is_closed_somewhere:
            message = f"this {noun} is opened here and never closed"
        elif all(found.kind is LeakKind.ERROR for found in fate.leaks):
            message = f"this {noun} is not closed when an exception is raised"
        else:
            message = f"this {noun} is not closed on every path"
        yield self.of_fate(
            fate,
            message,
            confidence=Confidence.MEDIUM if is_test else confidence_of(fate, leak),
            related=leak_place(fate, leak),
        )


def _is_in_memory(call: s.Call) -> bool:
    """`sqlite3.connect(":memory:")` holds nothing that outlives it."""
    first = call.args[0] if call.args else None
    return isinstance(first, s.Constant) and first.value == ":memory:"
