"""A generator that lends a session and does not close it when its consumer fails."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.lint.leaks import LeakRule, confidence_of, lends, surest
from migrate_async.lint.resources.fate import Fate, Handover
from migrate_async.lint.rule import Example, place
from migrate_async.model import syntax as s
from migrate_async.model.finding import Finding


class SessionYieldedUnprotected(LeakRule):
    """A dependency or context manager yields a session outside `try`/`finally` and `with`.

    ## Why

    An exception in the route is thrown into the generator at the `yield`. What comes after the
    `yield` is skipped then, so every request that fails leaves its session open.

    ## Fix

    Write `with SessionLocal() as db: yield db`, or put the `yield` into `try` and `close()` into
    `finally`.

    ## False alarms

    pytest resumes a fixture after a failed test, so a fixture is fine without `finally`; fixtures
    are not reported for that.
    """

    CODE = "MA604"
    CONSEQUENCE = "every request that ends in an error keeps a connection until the pool runs dry"
    REMEDY = "yield it inside `with SessionLocal() as db:` or `try`/`finally`"
    EXAMPLES = (
        Example(
            "a dependency without finally",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def get_db():
    db = SessionLocal()  # error
    yield db
    db.close()
""",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def get_db():
    with SessionLocal() as db:
        yield db
""",
        ),
        Example(
            "a dependency that never closes",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def get_db():
    db = SessionLocal()  # error
    try:
        yield db
    except Exception:
        db.rollback()
        raise
""",
        ),
        Example(
            "a session that is made in the yield",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def get_db():
    yield SessionLocal()  # error
""",
        ),
        Example(
            "finally closes it",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
""",
        ),
        Example(
            "pytest resumes fixtures",
            """\
import pytest
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


@pytest.fixture
def db():
    session = SessionLocal()
    yield session
    session.close()
""",
        ),
        Example(
            "an async context manager around it",
            """\
from sqlalchemy.ext.asyncio import async_sessionmaker

Session = async_sessionmaker()


async def get_db():
    async with Session() as db:
        yield db
""",
        ),
    )

    def findings_of(self, fate: Fate) -> Iterator[Finding]:
        if not lends(fate) or fate.escapes:
            return
        lent = fate.first(Handover.YIELD)
        assert lent is not None  # noqa: S101 - see `lends`
        closed = "on every path" if fate.is_closed_somewhere else "at all"
        related = (
            [place(lent.node, fate.resource.function, "it is lent here")]
            if isinstance(lent.node, s.Node)
            else []
        )
        yield self.of_fate(
            fate,
            f"this {fate.resource.noun} is yielded and not closed {closed}",
            confidence=confidence_of(fate, surest(fate.leaks)),
            related=related,
        )
