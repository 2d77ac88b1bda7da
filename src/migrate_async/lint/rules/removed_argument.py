"""Arguments that SQLAlchemy removed or deprecated."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.scopes import last_name
from migrate_async.knowledge.legacy_api import ARGUMENTS, POSITIONAL, Change
from migrate_async.lint import patterns
from migrate_async.lint.library_calls import Use
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Finding


class RemovedArgument(Rule):
    """An argument is given that SQLAlchemy removed or deprecated.

    ## Why

    A removed argument raises `TypeError` (or, for a table, `ArgumentError`) when the line runs;
    a deprecated one warns and goes in a later release.

    ## Fix

    The finding names what to write instead.

    ## False alarms

    Changes that only 2.1 makes have medium confidence unless the setting `target-sqlalchemy` is
    2.1.
    """

    CODE = "MA811"
    CONSEQUENCE = "the call raises TypeError on the release that removed the argument"
    REMEDY = "write what replaces the argument"
    PER_FILE = True
    EXAMPLES = (
        Example(
            "engine and column types",
            """\
from sqlalchemy import String, create_engine

engine = create_engine("sqlite://", convert_unicode=True)  # error
name = String(20, convert_unicode=True)  # error
""",
        ),
        Example(
            "criteria as arguments of a statement",
            """\
from sqlalchemy import MetaData, Table, delete

users = Table("users", MetaData())
gone = delete(users, users.c.id == 1)  # error
new = users.update(users.c.id == 1)  # error
""",
        ),
        Example(
            "joins in 1.x style and subtransactions",
            """\
from sqlalchemy.orm import Session

from app.models import User


def users(db: Session):
    db.begin(subtransactions=True)  # error
    return db.query(User).join(User.items, aliased=True).all()  # error
""",
        ),
        Example(
            "arguments that are still taken",
            """\
from sqlalchemy import MetaData, Table, create_engine, delete

engine = create_engine("sqlite://", echo=True)
users = Table("users", MetaData(), autoload_with=engine)
gone = delete(users).where(users.c.id == 1)
""",
        ),
        Example(
            "another library's function of that name",
            """\
from elsewhere import String, create_engine

engine = create_engine("sqlite://", convert_unicode=True)
name = String(20, convert_unicode=True)
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for use, node, label, change in patterns.arguments(view, ARGUMENTS):
            yield from self._finding(view, use, node, f"{label} {change.fate}", change)
        for use in patterns.uses(view, POSITIONAL):
            taken, change = POSITIONAL[use.name]
            args = use.node.args
            if len(args) > taken and not any(isinstance(arg, s.Starred) for arg in args):
                label = f"`{last_name(use.node.func)}()` takes {taken or 'no'} positional"
                since = change.removed or change.deprecated
                message = f"{label} argument{'' if taken == 1 else 's'} since SQLAlchemy {since}"
                yield from self._finding(view, use, args[taken], message, change)

    def _finding(
        self, view: View, use: Use, node: s.Node, message: str, change: Change
    ) -> Iterator[Finding]:
        if not patterns.is_guarded(view, use.node):
            sure = patterns.confidence(view, change, by_name=use.by_name)
            remedy = f"use {change.instead}"
            yield self.finding(node, use.function, message, confidence=sure, remedy=remedy)
