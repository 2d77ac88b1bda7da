"""`session.execute(query)`."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index import types as t
from migrate_async.index.scopes import Scope, last_name
from migrate_async.lint import patterns
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence, Finding
from migrate_async.plan.queries.names import local_values
from migrate_async.plan.queries.raw import EXECUTES, statement_argument


class ExecutedQuery(Rule):
    """A legacy `Query` object is given to `execute()`.

    ## Why

    `execute()` turned a `Query` into its statement, with a warning since 1.4. SQLAlchemy 2.1
    removed that.

    ## Fix

    Build the statement with `select()`, or execute `query.statement`.

    ## False alarms

    What may be a statement on one path and a query on another is left alone. A query that comes
    from another function has medium confidence: its annotation may say `Query` of a `select()`.
    """

    CODE = "MA821"
    CONSEQUENCE = "the call raises on SQLAlchemy 2.1"
    REMEDY = "build the statement with select(), or execute `query.statement`"
    PER_FILE = True
    EXAMPLES = (
        Example(
            "a query",
            """\
from sqlalchemy.orm import Query, Session

from app.models import User


def users(db: Session):
    query = db.query(User)
    return db.execute(query).all()  # error


def made_elsewhere(db: Session, query: Query):
    return db.execute(query).all()  # error: medium
""",
        ),
        Example(
            "the statement of a query",
            """\
from sqlalchemy.orm import Session

from app.models import User


def users(db: Session):
    return db.execute(db.query(User).statement).all()
""",
        ),
        Example(
            "a select",
            """\
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import User


def users(db: Session):
    return db.execute(select(User)).all()
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for function in view.functions:
            for site in view.project.calls(function):
                operation, node = site.operation, site.node
                if operation is None or not isinstance(node, s.Call) or site.heuristic:
                    continue
                if operation.name not in EXECUTES or operation.owner == "query":
                    continue
                statement = statement_argument(node)
                types = view.project.infer(statement, site.scope) if statement else None
                if statement and types and all(isinstance(item, t.QueryOf) for item in types):
                    message = f"`{operation.name}()` takes no `Query` since SQLAlchemy 2.1"
                    made_here = _is_made_here(statement, site.scope)
                    sure = Confidence.HIGH if made_here else Confidence.MEDIUM
                    yield self.finding(node, function, message, confidence=sure)


def _is_made_here(statement: s.Expr, scope: Scope) -> bool:
    """Whether the code shows the `session.query(...)` that the value comes from."""
    roots = [patterns.chain_root(item) for item in (statement, *local_values(statement, scope))]
    return any(root is not None and last_name(root.func) == "query" for root in roots)
