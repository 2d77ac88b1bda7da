"""A `close()` that an exception goes round."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.lint.leaks import LeakRule, confidence_of, leak_place, lends, surest
from migrate_async.lint.resources.fate import Fate, LeakKind
from migrate_async.lint.rule import Example
from migrate_async.model.finding import Finding


class CloseOutsideFinally(LeakRule):
    """A session is closed where all goes well, and left open when something raises.

    ## Why

    Errors come in bursts: a database that is slow to answer, a client that sends nonsense. Each
    one leaves a connection checked out, and the pool is empty when it is needed most.

    ## Fix

    Open the session with `with`, or put `close()` into `finally`.

    ## False alarms

    Code that is known not to raise may stand between opening and closing: logging and operations
    on plain values are not counted.
    """

    CODE = "MA603"
    CONSEQUENCE = "each error keeps a connection checked out; a burst of errors empties the pool"
    REMEDY = "open it in a `with` block, or close it in `finally`"
    EXAMPLES = (
        Example(
            "an exception goes round the close",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def add(item):
    db = SessionLocal()  # error
    db.add(item)
    db.commit()
    db.close()
""",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def add(item):
    with SessionLocal() as db:
        db.add(item)
        db.commit()
""",
        ),
        Example(
            "only one kind of exception is handled",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def add(item):
    db = SessionLocal()  # error
    try:
        db.add(item)
        db.commit()
    except ValueError:
        db.close()
        raise
    db.close()
""",
        ),
        Example(
            "finally closes it",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def add(item):
    db = SessionLocal()
    try:
        db.add(item)
        db.commit()
    finally:
        db.close()
""",
        ),
        Example(
            "nothing between can be expected to raise",
            """\
import logging

from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()
logger = logging.getLogger(__name__)


def warm_up():
    db = SessionLocal()
    logger.info("a session was made")
    db.close()
""",
        ),
    )

    def findings_of(self, fate: Fate) -> Iterator[Finding]:
        kinds = {leak.kind for leak in fate.leaks}
        leak = surest(fate.leaks)
        if leak is None or not fate.is_closed_somewhere or kinds != {LeakKind.ERROR} or lends(fate):
            return
        yield self.of_fate(
            fate,
            f"this {fate.resource.noun} is not closed when an exception is raised",
            confidence=confidence_of(fate, leak),
            related=leak_place(fate, leak),
        )
