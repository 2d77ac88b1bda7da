"""A raw cursor that stays open."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.lint.leaks import LeakRule, lends
from migrate_async.lint.resources.fate import Fate, Handover
from migrate_async.lint.rule import Example
from migrate_async.model.finding import Confidence, Finding


class CursorNotClosed(LeakRule):
    """A cursor of a raw connection is opened and never closed.

    ## Why

    A raw connection goes back to the pool with its cursors: a server-side cursor keeps its
    snapshot and its rows, and MySQL drivers refuse the next statement with `Unread result found`
    or `Commands out of sync`.

    ## Fix

    `with closing(connection.cursor()) as cursor:`, or `with connection.cursor() as cursor:` where
    the driver has it.

    ## False alarms

    Closing the connection itself frees its cursors, and client-side cursors hold memory only.
    Findings have medium confidence for pooled connections and low confidence for others.
    """

    CODE = "MA618"
    BEST = Confidence.MEDIUM
    CONSEQUENCE = "the next user of the pooled connection may meet its unread rows"
    REMEDY = "open it in a `with` block, or close it in `finally`"
    FAMILIES = frozenset({"cursor"})
    EXAMPLES = (
        Example(
            "a cursor of a pooled connection",
            """\
from contextlib import closing

from sqlalchemy import create_engine

engine = create_engine("postgresql:///shop")


def count():
    with closing(engine.raw_connection()) as connection:
        cursor = connection.cursor()  # error: medium
        cursor.execute("SELECT count(*) FROM items")
        return cursor.fetchone()
""",
        ),
        Example(
            "a cursor of a connection that is not pooled",
            """\
import psycopg2


def count(dsn):
    connection = psycopg2.connect(dsn)
    try:
        cursor = connection.cursor()  # error: low
        cursor.execute("SELECT count(*) FROM items")
        return cursor.fetchone()
    finally:
        connection.close()
""",
        ),
        Example(
            "a with block closes it",
            """\
from contextlib import closing

from sqlalchemy import create_engine

engine = create_engine("postgresql:///shop")


def count():
    with closing(engine.raw_connection()) as connection, closing(connection.cursor()) as cursor:
        cursor.execute("SELECT count(*) FROM items")
        return cursor.fetchone()
""",
        ),
        Example(
            "close is called, if not for every exception",
            """\
import psycopg2


def count(dsn):
    connection = psycopg2.connect(dsn)
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT count(*) FROM items")
        row = cursor.fetchone()
        cursor.close()
        return row
    finally:
        connection.close()
""",
        ),
    )

    def findings_of(self, fate: Fate) -> Iterator[Finding]:
        if fate.is_closed_somewhere or fate.escapes or lends(fate) or not fate.leaks:
            return
        held = fate.resource.origin
        is_pooled = held is not None and held.noun == "raw connection"
        is_sure = is_pooled and not fate.has(Handover.UNKNOWN)
        yield self.finding(
            fate.resource.node,
            fate.resource.function,
            "this cursor is opened here and never closed",
            confidence=Confidence.MEDIUM if is_sure else Confidence.LOW,
        )
