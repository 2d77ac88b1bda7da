"""A session that nothing closes."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.lint.leaks import LeakRule, lends
from migrate_async.lint.resources.fate import Fate, LeakKind
from migrate_async.lint.rule import Example
from migrate_async.model.finding import Finding


class SessionNeverClosed(LeakRule):
    """A session is opened and nothing closes it, on any path.

    ## Why

    An open session keeps its connection until the garbage collector finds it, with the
    transaction open. Under load the pool runs dry, and requests wait for a connection until they
    fail with `QueuePool limit of size ... reached`.

    ## Fix

    Open it with `with`: `with SessionLocal() as db:` closes it on every path. In a route let
    FastAPI do it: `db: Session = Depends(get_db)`.

    ## False alarms

    A function of a library that closes what it is given is not known; sessions that are handed to
    unknown functions are reported with medium confidence, as are those of tests.
    """

    CODE = "MA601"
    CONSEQUENCE = "each call keeps a connection and its open transaction until the pool runs dry"
    REMEDY = "open it in a `with` block, or take it from `Depends(get_db)`"
    EXAMPLES = (
        Example(
            "a session from a service registry",
            """\
from app.registry import Container


def items():
    db = Container.resolve("db_session")  # error
    return db.query("items").all()
""",
        ),
        Example(
            "a session of a factory that is used and forgotten",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def add(item):
    db = SessionLocal()  # error
    db.add(item)
    db.commit()


def count():
    return SessionLocal().execute("SELECT count(*) FROM items").scalar()  # error
""",
        ),
        Example(
            "a helper opens it, its caller forgets it",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def open_session():
    return SessionLocal()


def add(item):
    db = open_session()  # error
    db.add(item)
    db.commit()
""",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def open_session():
    return SessionLocal()


def add(item):
    with open_session() as db:
        db.add(item)
        db.commit()
""",
        ),
        Example(
            "handed to a function that nobody knows",
            """\
from elsewhere import store
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def add(item):
    db = SessionLocal()  # error: medium
    store(db, item)
""",
        ),
        Example(
            "a with block closes it",
            """\
from contextlib import closing

from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def add(item):
    with SessionLocal() as db:
        db.add(item)
        db.commit()


def count():
    with closing(SessionLocal()) as db:
        return db.execute("SELECT count(*) FROM items").scalar()
""",
        ),
        Example(
            "the context of a command closes it",
            """\
import click
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def open_session(context: click.Context):
    db = SessionLocal()
    context.call_on_close(db.close)
    return context.with_resource(SessionLocal())
""",
        ),
        Example(
            "a mock gives it to the code under test; without an engine it has no connection",
            """\
from unittest.mock import patch

from sqlalchemy.orm import Session, sessionmaker

SessionLocal = sessionmaker()


def check_items(service):
    with patch("app.items.open_session", return_value=SessionLocal()):
        assert service.items() == []


def copied(item):
    db = Session()
    return db.merge(item, load=False)
""",
        ),
        Example(
            "an exit stack closes it",
            """\
from contextlib import ExitStack

from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def add(items):
    with ExitStack() as stack:
        db = stack.enter_context(SessionLocal())
        other = SessionLocal()
        stack.callback(other.close)
        db.add_all(items)
        other.add_all(items)
""",
        ),
        Example(
            "the caller gets it",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def open_session():
    db = SessionLocal()
    db.autoflush = False
    return db
""",
        ),
        Example(
            "a helper that takes it over closes it",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def finish(session):
    session.commit()
    session.close()


def add(item):
    db = SessionLocal()
    db.add(item)
    finish(db)
""",
        ),
    )

    def findings_of(self, fate: Fate) -> Iterator[Finding]:
        if fate.is_closed_somewhere or fate.escapes or lends(fate) or not fate.leaks:
            return
        noun = fate.resource.noun
        if fate.leaks[0].kind is LeakKind.DROPPED:
            message = f"this {noun} is used in passing, and nothing holds it to close it"
        else:
            message = f"this {noun} is opened here and never closed"
        yield self.of_fate(fate, message)
