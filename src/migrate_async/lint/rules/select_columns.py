"""`select(...).c`."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index import types as t
from migrate_async.lint import patterns
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model.finding import Finding

_COLUMNS = frozenset({"c", "columns"})


class SelectColumns(Rule):
    """The columns of a `select()` are read through `.c`, which makes a subquery behind the scenes.

    ## Why

    Each access made a new subquery, so that two columns came from two of them: a cartesian
    product. It warned since 1.4, and SQLAlchemy 2.1 removed it.

    ## Fix

    Make the subquery once: `users = select(...).subquery()`, then `users.c.id`; or, where the
    columns of the statement itself are meant, `selected_columns`.

    ## False alarms

    None known; `.c` of tables, aliases and subqueries is left alone.
    """

    CODE = "MA820"
    CONSEQUENCE = "the attribute does not exist on SQLAlchemy 2.1; before, it joins by accident"
    REMEDY = "make a subquery once and use its columns, or use `selected_columns`"
    PER_FILE = True
    EXAMPLES = (
        Example(
            "columns of a select",
            """\
from sqlalchemy import select

from app.tables import users

active = select(users.c.id).where(users.c.active)
first = select(active.c.id)  # error
""",
        ),
        Example(
            "columns of a subquery and of a table",
            """\
from sqlalchemy import select

from app.tables import users

active = select(users.c.id).where(users.c.active).subquery()
first = select(active.c.id, users.c.name)
""",
        ),
        Example(
            "the columns of the statement",
            """\
from sqlalchemy import select

from app.tables import users

active = select(users.c.id)
print(active.selected_columns.id)
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for function in view.functions:
            for node, scope in patterns.attributes(function, _COLUMNS):
                types = view.project.infer(node.value, scope)
                if types and all(isinstance(item, t.SelectOf) for item in types):
                    message = f"a `select()` has no `.{node.attr}` since SQLAlchemy 2.1"
                    yield self.finding(node, function, message)
