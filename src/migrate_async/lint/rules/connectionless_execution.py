"""`engine.execute()` and `statement.execute()`."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index import types as t
from migrate_async.index.scopes import RawCall
from migrate_async.knowledge.legacy_api import STATEMENTS
from migrate_async.lint import patterns
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Finding
from migrate_async.plan.queries.raw import EXECUTES

_MAKERS = frozenset(
    [f"sqlalchemy.{name}" for name in STATEMENTS]
    + [f"sqlalchemy.Table.{name}" for name in STATEMENTS]
)


class ConnectionlessExecution(Rule):
    """A statement is executed without a connection: by an engine, or by itself.

    ## Why

    `engine.execute()` took a connection from the pool, committed by guessing from the text of the
    statement, and gave the connection back when the result was garbage. SQLAlchemy 2.0 removed it
    together with `statement.execute()` and the bound metadata that it needs.

    ## Fix

    `with engine.begin() as connection: connection.execute(...)`.
    `migrate-async migrate --step queries` does it where the result is read at once.

    ## False alarms

    None known; an `execute` of something that is not known to be an engine is left alone.
    """

    CODE = "MA808"
    CONSEQUENCE = (
        "the call raises AttributeError on SQLAlchemy 2.0; before, it may keep a connection"
    )
    REMEDY = "execute it on a connection: `with engine.begin() as connection:`"
    PER_FILE = True
    EXAMPLES = (
        Example(
            "an engine",
            """\
from sqlalchemy import create_engine, text

engine = create_engine("sqlite://")
rows = engine.execute(text("SELECT 1")).fetchall()  # error
number = engine.scalar(text("SELECT 1"))  # error
""",
        ),
        Example(
            "one name for a statement and its result",
            """\
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession


async def first(db: AsyncSession, model):
    query = select(model)
    query = await db.execute(query)
    return query.scalars().first()
""",
        ),
        Example(
            "a statement",
            """\
from sqlalchemy import MetaData, Table, select

users = Table("users", MetaData())
rows = select(users).where(users.c.id == 1).execute()  # error
users.insert().values(id=1).execute()  # error
""",
        ),
        Example(
            "a connection",
            """\
from sqlalchemy import create_engine, text

engine = create_engine("sqlite://")
with engine.connect() as connection:
    rows = connection.execute(text("SELECT 1")).fetchall()
""",
        ),
        Example(
            "a cursor of the driver",
            """\
import sqlite3

rows = sqlite3.connect("a.db").execute("SELECT 1").fetchall()
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for function in view.functions:
            for call in function.calls:
                func = call.node.func
                if not isinstance(func, s.Attribute) or func.attr not in EXECUTES:
                    continue
                if view.project.engine_or_connection(func.value, call.scope) == "engine":
                    message = f"`engine.{func.attr}()` was removed in SQLAlchemy 2.0"
                    yield self.finding(call.node, function, message)
                elif _is_statement(view, call, func.value):
                    message = f"a statement has no `{func.attr}()` since SQLAlchemy 2.0"
                    yield self.finding(call.node, function, message)


def _is_statement(view: View, call: RawCall, value: s.Expr) -> bool:
    root = patterns.chain_root(value)
    if root is None:
        types = view.project.infer(value, call.scope)
        return bool(types) and all(isinstance(item, t.SelectOf) for item in types)
    return bool(patterns.names(view, root.func, call.scope) & _MAKERS)
