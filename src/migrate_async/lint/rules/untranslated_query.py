"""A legacy query that no step of the migration translates."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.scopes import Function
from migrate_async.knowledge import query_refusals as why
from migrate_async.lint.migration import queries
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Severity
from migrate_async.model.finding import Confidence, Finding

_REPORTED_ELSEWHERE = frozenset(
    refusal.code
    for refusal in (
        why.CONNECTED,
        why.ENGINE_EXECUTE,
        why.MODEL_QUERY,
        why.DYNAMIC,
        why.MULTIPARAMS,
    )
)
"""Consequences of other refusals, and what is no `session.query()`."""


_UNSEEN = frozenset(
    refusal.code
    for refusal in (
        why.ESCAPES,
        why.NO_SESSION,
        why.SHAPES,
        why.UNKNOWN_ENTITIES,
        why.UNKNOWN_MEMBER,
    )
)
"""Refusals for want of knowledge."""


class UntranslatedQuery(Rule):
    """A legacy query cannot be translated to `select()` as it is, and keeps its function sync.

    ## Why

    The migration leaves such a query as it is, with a reason, rather than change what it does. Its
    function cannot become a coroutine, and neither can what hands its session to it.

    ## Fix

    The finding says what is in the way, with the code that `migrate-async plan` gives it. Change
    that by hand; the next run translates the rest.

    ## False alarms

    None known: it is what the plan does. A finding is where the cause is; queries that are left
    only because another one is are not reported, and what the plan translates is MA801's business.
    Where the plan gives up because it cannot see what becomes of the query, or what it is, the
    finding has medium confidence.
    """

    CODE = "MA854"
    CONSEQUENCE = "the function and its callers stay sync, each call of them on a bridge"
    REMEDY = "rewrite the query by hand, then run the migration again"
    PER_FILE = False
    EXAMPLES = (
        Example(
            "a method without counterpart",
            """\
from sqlalchemy.orm import Session

from app.models import User


def users(db: Session):
    return db.query(User).enable_assertions(False).all()  # error


def handed_on(db: Session, client):
    return client.send(db.query(User))  # error: medium
""",
        ),
        Example(
            "a name for what cannot be told",
            """\
from sqlalchemy.orm import Session


def names(db: Session, User, spent):
    rows = db.query(User, spent.c.orders).order_by(User.id)
    return [user for user, orders in rows]  # error: medium
""",
        ),
        Example(
            "a query that is translated",
            """\
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)


def users(db: Session):
    return db.query(User).filter(User.id > 1).all()
""",
        ),
        Example(
            "a statement in 2.0 style",
            """\
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import User


def users(db: Session):
    return db.scalars(select(User)).all()
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for function, diagnostics in view.analysis(queries).diagnostics.items():
            if not view.is_selected(function):
                continue
            for found in diagnostics:
                if found.severity != Severity.NOTE.value and found.code not in _REPORTED_ELSEWHERE:
                    message = f"{found.message} ({found.code})"
                    node = _node_at(function, found.line, found.column)
                    sure = Confidence.MEDIUM if found.code in _UNSEEN else Confidence.HIGH
                    yield self.finding(
                        node, function, message, confidence=sure, remedy=found.next_step
                    )


def _node_at(function: Function, line: int, column: int) -> s.Node:
    """The smallest call that starts there, or the smallest of what else does."""
    calls = [c.node for c in function.calls if (c.node.line, c.node.col) == (line, column)]
    if calls:
        return min(calls, key=_end)
    others = [r.node for r in function.references if (r.node.line, r.node.col) == (line, column)]
    return min(others, key=_end, default=s.Node(line, column, line, column + 1))


def _end(node: s.Node) -> tuple[int, int]:
    return node.end_line, node.end_col
