"""`query.get(...)`."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.knowledge import sqlalchemy
from migrate_async.lint import patterns
from migrate_async.lint.library_calls import Use
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence, Finding, Fix
from migrate_async.model.plan import Link, QueryRewrite
from migrate_async.plan.queries.custom import query_hook
from migrate_async.plan.text import is_plain, text


class QueryGet(Rule):
    """An object is fetched with `Query.get`, which moved to the session.

    ## Why

    `Query.get()` is legacy since SQLAlchemy 2.0 and warns; `Query` cannot be awaited. `get()` of
    the session does the same, the identity map included, and exists on `AsyncSession` as well.

    ## Fix

    `session.get(Model, key)`. A query of one model on a session is rewritten; not where the
    project has a `Query` class or query events of its own, which may change what `get()` does.

    ## False alarms

    A session that is known only by the name of an unannotated parameter may be something else;
    such findings have low confidence.
    """

    CODE = "MA802"
    CONSEQUENCE = "the call warns on SQLAlchemy 2.0 and cannot move to AsyncSession"
    REMEDY = "use `session.get(Model, key)`"
    PER_FILE = True
    EXAMPLES = (
        Example(
            "it may be something of the project",
            """\
from sqlalchemy.orm import Session


class Settings:
    def get(self, key):
        return key


def read(db: Session, model, name):
    source = db.query(model) if name else Settings()
    return source.get(1)  # error: low
""",
        ),
        Example(
            "a query of one model",
            """\
from sqlalchemy.orm import Session

from app.models import User


def user(db: Session, key: int):
    return db.query(User).get(key)  # error
""",
            """\
from sqlalchemy.orm import Session

from app.models import User


def user(db: Session, key: int):
    return db.get(User, key)
""",
        ),
        Example(
            "a query with options, and a session by its name",
            """\
from sqlalchemy.orm import Session, joinedload

from app.models import User


def user(db: Session, key: int):
    return db.query(User).options(joinedload(User.items)).get(key)  # error


def other(db, key: int):
    return db.query(User).get(key)  # error: low
""",
        ),
        Example(
            "a query class of the project's own",
            """\
from sqlalchemy.orm import Session, sessionmaker

from app.models import User
from app.queries import ActiveQuery

SessionLocal = sessionmaker(query_cls=ActiveQuery)


def user(db: Session, key: int):
    return db.query(User).get(key)  # error
""",
        ),
        Example(
            "the session's own method",
            """\
from sqlalchemy.orm import Session

from app.models import User


def user(db: Session, key: int):
    return db.get(User, key)
""",
        ),
        Example(
            "a dictionary",
            """\
def user(users: dict[str, int], key: str):
    return users.get(key)
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        found = list(patterns.uses(view, {f"{sqlalchemy.QUERY}.get"}))
        is_plain_query = found and not _has_hooks(view)
        for use in found:
            by_name = use.by_name or _is_by_name(view, use)
            yield self.finding(
                use.node,
                use.function,
                "`Query.get()` is legacy: it moved to the session",
                confidence=Confidence.LOW if by_name else Confidence.HIGH,
                fix=_fix(view, use) if is_plain_query and not by_name else None,
            )


def _has_hooks(view: View) -> bool:
    calls = (call.node for function in view.project.functions for call in function.calls)
    return any(query_hook(call) for call in calls)


def _is_by_name(view: View, use: Use) -> bool:
    root = patterns.chain_root(use.node)
    if root is None or not isinstance(root.func, s.Attribute):
        return False
    session = view.session(root.func.value, use.call.scope)
    return session is not None and session.by_name


def _fix(view: View, use: Use) -> Fix | None:
    """`session.get(Model, key)`, if the chain is `session.query(Model).get(key)`."""
    func = use.node.func
    query = func.value if isinstance(func, s.Attribute) else None
    if not isinstance(query, s.Call) or not isinstance(query.func, s.Attribute):
        return None
    session = query.func.value
    if query.func.attr != "query" or not is_plain(session):
        return None
    if view.session(session, use.call.scope) is None:
        return None
    arguments = (*query.args, *use.node.args)
    is_simple = len(query.args) == 1 and len(use.node.args) == 1 and not use.node.keywords
    if not is_simple or any(isinstance(arg, s.Starred) for arg in arguments):
        return None
    edit = QueryRewrite(
        span=use.node.span,
        codemod=patterns.CODEMOD,
        links=(Link("", 0),),
        call=f"{text(session)}.get({{-1:0}}, {{0:0}})",
    )
    return patterns.safe("use `session.get()`", edit)
