"""`autocommit=True`."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.declarative import is_true
from migrate_async.knowledge.legacy_api import AUTOCOMMIT
from migrate_async.lint import patterns
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence, Finding


class LibraryAutocommit(Rule):
    """A session or a statement asks SQLAlchemy to commit by itself.

    ## Why

    The autocommit modes of sessions and statements are gone in SQLAlchemy 2.0: a session refuses
    the argument, and the execution option is ignored, so that what was written is rolled back
    without a word when the connection closes.

    ## Fix

    Say where a transaction begins and ends: `with session.begin():`, `with engine.begin():`. Where
    the database itself has to commit each statement, use `isolation_level="AUTOCOMMIT"`.

    ## False alarms

    `autocommit=False` is what 2.0 does, and left alone. A variable, which may be false, and an
    execution option of something unknown have medium confidence.
    """

    CODE = "MA810"
    CONSEQUENCE = "the session refuses to start, or writes are silently rolled back"
    REMEDY = "begin and commit explicitly: `with session.begin():`"
    PER_FILE = True
    EXAMPLES = (
        Example(
            "a session factory",
            """\
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

engine = create_engine("sqlite://")
SessionLocal = sessionmaker(engine, autocommit=True)  # error


def factory(autocommit: bool = False):
    return sessionmaker(engine, autocommit=autocommit)  # error: medium
""",
        ),
        Example(
            "an execution option",
            """\
from sqlalchemy import text

statement = text("CALL a()").execution_options(autocommit=True)  # error


def call(connection):
    connection.execution_options(autocommit=True).execute(statement)  # error: medium
""",
        ),
        Example(
            "what 2.0 does anyway",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker(autocommit=False, autoflush=False)
""",
        ),
        Example(
            "autocommit of the database",
            """\
from sqlalchemy import create_engine

engine = create_engine("postgresql://", isolation_level="AUTOCOMMIT")
autocommit = engine.execution_options(isolation_level="AUTOCOMMIT")
""",
        ),
        Example(
            "autocommit of a driver",
            """\
import psycopg2

connection = psycopg2.connect("")
connection.set_session(autocommit=True)
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for use, node, label, change in patterns.arguments(view, AUTOCOMMIT):
            sure = Confidence.HIGH if is_true(node.value) else Confidence.MEDIUM
            yield self.finding(node, use.function, f"{label} {change.fate}", confidence=sure)
        for function in view.functions:
            for call in function.calls:
                given = patterns.keyword(call.node, "autocommit")
                func = call.node.func
                if not isinstance(func, s.Attribute) or func.attr != "execution_options":
                    continue
                if given is None or patterns.is_false(given.value):
                    continue
                known = bool(view.project.infer(func, call.scope)) or _is_text(view, func.value)
                sure = Confidence.HIGH if known else Confidence.MEDIUM
                message = "the execution option `autocommit` has no effect since SQLAlchemy 2.0"
                yield self.finding(given, function, message, confidence=sure)


def _is_text(view: View, value: s.Expr) -> bool:
    root = patterns.chain_root(value)
    scope = view.project.scope_of(value)
    return root is not None and "sqlalchemy.text" in patterns.names(view, root.func, scope)
