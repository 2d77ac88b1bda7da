"""SQL as a plain string."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.sites import CallSite
from migrate_async.lint import patterns
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence, Finding, Fix
from migrate_async.model.plan import ReplaceExpression
from migrate_async.plan.queries.project import ProjectView
from migrate_async.plan.queries.raw import EXECUTES, RawSql, statement_argument


class BareSqlString(Rule):
    """SQL is executed as a plain string instead of a `text()` construct.

    ## Why

    Strings are not accepted since SQLAlchemy 2.0: the call raises `ArgumentError` on a session and
    `ObjectNotExecutableError` on a connection, sync or async.

    ## Fix

    `execute(text("SELECT 1"))`. The fix is safe for a session, which always took a string for
    `text()`, and for a constant without placeholders. A connection gave its string to the driver:
    `%s` and `%%` mean something else inside `text()`; such statements are
    `exec_driver_sql("...")`.

    ## False alarms

    A session that is known only by the name of an unannotated parameter may be something else;
    such findings have low confidence. Cursors of a driver take strings and are left alone.
    """

    CODE = "MA809"
    CONSEQUENCE = "the call raises on SQLAlchemy 2.0, before any SQL is sent"
    REMEDY = "wrap the string: `execute(text(...))`"
    PER_FILE = True
    EXAMPLES = (
        Example(
            "a session",
            """\
from sqlalchemy.orm import Session


def ping(db: Session):
    db.execute("SELECT 1")  # error
""",
            """\
from sqlalchemy import text
from sqlalchemy.orm import Session


def ping(db: Session):
    db.execute(text("SELECT 1"))
""",
        ),
        Example(
            "a connection and the name of a string",
            """\
from sqlalchemy import create_engine

engine = create_engine("postgresql://")
with engine.connect() as connection:
    query = "SELECT 1"
    number = connection.scalar(query)  # error
""",
            """\
from sqlalchemy import create_engine, text

engine = create_engine("postgresql://")
with engine.connect() as connection:
    query = "SELECT 1"
    number = connection.scalar(text(query))
""",
        ),
        Example(
            "a placeholder of the driver, and a session by its name",
            """\
from sqlalchemy import create_engine

engine = create_engine("postgresql://")
with engine.connect() as connection:
    connection.execute("DELETE FROM a WHERE b = %s", (1,))  # error


def count(session):
    return session.scalar("SELECT count(*) FROM a")  # error: low
""",
        ),
        Example(
            "a construct, and SQL for the driver",
            """\
from sqlalchemy import create_engine, text

engine = create_engine("postgresql://")
with engine.connect() as connection:
    connection.execute(text("SELECT 1"))
    connection.exec_driver_sql("SELECT 1")
""",
        ),
        Example(
            "a cursor of the driver",
            """\
from sqlalchemy import create_engine

engine = create_engine("sqlite://")
cursor = engine.raw_connection().cursor()
cursor.execute("SELECT 1")
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        raw = RawSql(ProjectView(view.project), lambda function: function.is_async)
        for function in view.functions:
            for site in view.project.calls(function):
                statement = _statement(site)
                if statement is None or not raw.is_string(statement):
                    continue
                sure = Confidence.LOW if site.heuristic else Confidence.HIGH
                yield self.finding(
                    site.node,
                    function,
                    "SQL as a plain string is not accepted since SQLAlchemy 2.0",
                    confidence=sure,
                    fix=_fix(view, raw, site, statement),
                )


def _statement(site: CallSite) -> s.Expr | None:
    operation, node = site.operation, site.node
    if operation is None or not isinstance(node, s.Call) or operation.name not in EXECUTES:
        return None
    return statement_argument(node) if operation.owner in ("session", "connection") else None


def _fix(view: View, raw: RawSql, site: CallSite, statement: s.Expr) -> Fix | None:
    operation, node = site.operation, site.node
    if operation is None or not isinstance(node, s.Call) or raw.is_driver_sql(node, statement):
        return None
    if site.heuristic or len(node.args) > 2 or len(node.keywords) > 0:
        return None
    name, imports = patterns.imported(view, site.function, "sqlalchemy.text")
    edit = ReplaceExpression(span=statement.span, codemod=patterns.CODEMOD, code=f"{name}({{}})")
    is_plain = patterns.is_string(statement) and not set(":%\\") & set(str(statement.value))
    make = patterns.safe if operation.owner == "session" or is_plain else patterns.unsafe
    return make("wrap the string in `text()`", edit, imports=imports)
