"""`session.query(...)`."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence, Finding


class LegacyQuery(Rule):
    """A query is built with `Session.query`, which `AsyncSession` does not have.

    ## Why

    `Query` is legacy API since SQLAlchemy 2.0: it is not developed further, it cannot be awaited,
    and statements built with it cannot be shared between sync and async code.

    ## Fix

    Build the statement with `select()` and execute it: `db.scalars(select(User)).all()`.
    `migrate-async migrate --step queries` does it, with the semantics of each method kept.

    ## False alarms

    A session that is known only by the name of an unannotated parameter may be something else;
    such findings have low confidence.
    """

    CODE = "MA801"
    PER_FILE = True
    CONSEQUENCE = "the code cannot move to AsyncSession, and each new query adds to the migration"
    REMEDY = "run `migrate-async migrate --step queries`, or write it with select()"
    EXAMPLES = (
        Example(
            "a query on an annotated session",
            """\
from sqlalchemy.orm import Session


def users(db: Session):
    return db.query("users").all()  # error
""",
        ),
        Example(
            "a session by its name only",
            """\
def users(db):
    return db.query("users").all()  # error: low
""",
        ),
        Example(
            "the `query` of something else",
            """\
from elsewhere import Client


def users(client: Client):
    return client.query("users").all()
""",
        ),
        Example(
            "a statement in 2.0 style",
            """\
from sqlalchemy import text
from sqlalchemy.orm import Session


def users(db: Session):
    return db.scalars(text("SELECT name FROM users")).all()
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for function in view.functions:
            for call in function.calls:
                func = call.node.func
                if not isinstance(func, s.Attribute) or func.attr != "query":
                    continue
                session = view.session(func.value, call.scope)
                if session is None or session.kind != "sync":
                    continue
                confidence = Confidence.LOW if session.by_name else Confidence.HIGH
                message = f"`{s.dotted_name(func) or 'query'}(...)` is legacy `Query` API"
                yield self.finding(call.node, function, message, confidence=confidence)
