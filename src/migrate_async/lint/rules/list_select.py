"""`select([...])`."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index import types as t
from migrate_async.lint import patterns
from migrate_async.lint.library_calls import Use
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence, Finding, Fix
from migrate_async.model.plan import SpreadArgument


class ListSelect(Rule):
    """The columns of a `select()` are given as a list.

    ## Why

    `select([a, b])` raises `ArgumentError` since SQLAlchemy 2.0: columns are positional arguments.

    ## Fix

    `select(a, b)`. The fix does it where the list is the only argument; criteria that follow the
    list become `.where(...)` by hand.

    ## False alarms

    None known. A variable that holds a list has medium confidence, because nothing else about it
    is known.
    """

    CODE = "MA815"
    CONSEQUENCE = "the statement raises ArgumentError on SQLAlchemy 2.0"
    REMEDY = "give the columns as arguments: `select(a, b)`"
    PER_FILE = True
    EXAMPLES = (
        Example(
            "a list",
            """\
from sqlalchemy import select

from app.tables import users

query = select([users.c.id, users.c.name]).where(users.c.id == 1)  # error
""",
            """\
from sqlalchemy import select

from app.tables import users

query = select(users.c.id, users.c.name).where(users.c.id == 1)
""",
        ),
        Example(
            "a list with criteria",
            """\
import sqlalchemy as sa

from app.tables import users

query = sa.select([users.c.id], users.c.id == 1)  # error
""",
        ),
        Example(
            "a variable",
            """\
from sqlalchemy import select

from app.tables import users

columns = [users.c.id]
query = select(columns)  # error: medium
""",
            """\
from sqlalchemy import select

from app.tables import users

columns = [users.c.id]
query = select(*columns)
""",
        ),
        Example(
            "arguments, also from a list",
            """\
from sqlalchemy import select

from app.tables import users

columns = [users.c.id]
query = select(*columns)
other = select(users.c.id, users.c.name)
""",
        ),
        Example(
            "the system call",
            """\
from select import select

ready = select([0], [], [])
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for use in patterns.uses(view, {"sqlalchemy.select"}):
            sure = _sureness(view, use)
            if sure is not None and not patterns.is_guarded(view, use.node):
                message = "`select()` takes no list since SQLAlchemy 2.0"
                yield self.finding(
                    use.node, use.function, message, confidence=sure, fix=_fix(use, sure)
                )


def _sureness(view: View, use: Use) -> Confidence | None:
    """How sure it is that the first argument is a list."""
    first = use.node.args[0] if use.node.args else None
    if first is None or isinstance(first, s.Starred):
        return None
    if isinstance(first, s.Sequence) and first.kind == "list":
        return Confidence.HIGH
    if isinstance(first, s.Comprehension) and first.kind == "list":
        return Confidence.HIGH
    types = view.project.infer(first, use.call.scope)
    if types and all(isinstance(item, t.ListOf) for item in types):
        return Confidence.MEDIUM
    return None


def _fix(use: Use, sure: Confidence) -> Fix | None:
    if len(use.node.args) != 1 or use.node.keywords:
        return None
    first = use.node.args[0]
    if isinstance(first, s.Sequence) and not first.items:
        return None
    edit = SpreadArgument(span=use.node.span, codemod=patterns.CODEMOD)
    make = patterns.safe if sure is Confidence.HIGH else patterns.unsafe
    return make("give the columns as arguments", edit)
