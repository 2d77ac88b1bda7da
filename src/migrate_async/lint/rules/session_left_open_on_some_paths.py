"""A session that is closed, but not on every path that ends well."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.lint.leaks import LeakRule, confidence_of, leak_place, lends, surest
from migrate_async.lint.resources.fate import Fate, Leak, LeakKind
from migrate_async.lint.rule import Example
from migrate_async.model.finding import Finding

_NORMAL = frozenset({LeakKind.RETURN, LeakKind.END, LeakKind.REBOUND, LeakKind.DROPPED})


class SessionLeftOpenOnSomePaths(LeakRule):
    """A session is closed on one path, and left open on another that raises nothing.

    ## Why

    The `close()` at the end looks right in review, but an early `return`, a `continue` or a second
    assignment goes round it. Such a leak shows in production only, when that path is taken often.

    ## Fix

    Open the session with `with`, or close it in `finally`.

    ## False alarms

    If the session is closed under a condition that holds exactly when it was opened here, the two
    conditions are not compared: such findings have medium confidence. So have those where the path
    does not use the session, which has no connection until then, and those in tests.
    """

    CODE = "MA602"
    CONSEQUENCE = "each call that takes this path keeps a connection until the pool runs dry"
    REMEDY = "open it in a `with` block, or close it in `finally`"
    EXAMPLES = (
        Example(
            "an early return goes round the close",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def rename(user_id, name):
    db = SessionLocal()  # error
    user = db.get(object, user_id)
    if user is None:
        return None
    user.name = name
    db.commit()
    db.close()
    return user
""",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def rename(user_id, name):
    with SessionLocal() as db:
        user = db.get(object, user_id)
        if user is None:
            return None
        user.name = name
        db.commit()
    return user
""",
        ),
        Example(
            "continue goes round the close",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def process(jobs):
    for job in jobs:
        db = SessionLocal()  # error
        if db.get(object, job.id) is None:
            continue
        db.delete(job)
        db.commit()
        db.close()
""",
        ),
        Example(
            "only the failing path closes it",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def add(item):
    db = SessionLocal()  # error
    try:
        db.add(item)
        db.commit()
    except Exception:
        db.rollback()
        db.close()
        raise
""",
        ),
        Example(
            "closed under a condition of its own",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def add(item, db=None):
    own = db is None
    if own:
        db = SessionLocal()  # error: medium
    try:
        db.add(item)
        db.commit()
    finally:
        if own:
            db.close()
""",
        ),
        Example(
            "left before its first use",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def work(queue):
    db = SessionLocal()  # error: medium
    for job in queue:
        with db:
            db.add(job)
            db.commit()
""",
        ),
        Example(
            "finally runs on every path",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def rename(user_id, name):
    db = SessionLocal()
    try:
        user = db.get(object, user_id)
        if user is None:
            return None
        user.name = name
        db.commit()
        return user
    finally:
        db.close()
""",
        ),
        Example(
            "closed if it was opened at all",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def add(item):
    db = None
    try:
        db = SessionLocal()
        db.add(item)
        db.commit()
    finally:
        if db is not None:
            db.close()
""",
        ),
        Example(
            "each way closes it",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def add(item):
    db = SessionLocal()
    try:
        db.add(item)
        db.commit()
    except Exception:
        db.rollback()
        db.close()
        raise
    else:
        db.close()
""",
        ),
    )

    def findings_of(self, fate: Fate) -> Iterator[Finding]:
        leak = self._leak(fate)
        if leak is None:
            return
        yield self.of_fate(
            fate,
            f"this {fate.resource.noun} is not closed on every path",
            confidence=confidence_of(fate, leak),
            related=leak_place(fate, leak),
        )

    def _leak(self, fate: Fate) -> Leak | None:
        """The surest leak on a path without exception, of a session that is closed elsewhere."""
        if not fate.is_closed_somewhere or lends(fate):
            return None
        return surest(leak for leak in fate.leaks if leak.kind in _NORMAL)
