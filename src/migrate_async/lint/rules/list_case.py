"""`case([...])`."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.lint import patterns
from migrate_async.lint.library_calls import Use
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Finding, Fix
from migrate_async.model.plan import SpreadArgument


class ListCase(Rule):
    """The conditions of a `case()` are given as a list.

    ## Why

    `case([(a, b)])` raises `ArgumentError` since SQLAlchemy 2.0: conditions are positional
    arguments.

    ## Fix

    `case((a, b), else_=c)`, which SQLAlchemy 1.4 takes as well.

    ## False alarms

    None known. A dictionary of values is still accepted and left alone.
    """

    CODE = "MA816"
    CONSEQUENCE = "the expression raises ArgumentError on SQLAlchemy 2.0"
    REMEDY = "give the conditions as arguments: `case((a, b), else_=c)`"
    PER_FILE = True
    EXAMPLES = (
        Example(
            "a list",
            """\
from sqlalchemy import case

from app.tables import users

size = case([(users.c.id < 9, "small"), (users.c.id < 99, "big")], else_="huge")  # error
""",
            """\
from sqlalchemy import case

from app.tables import users

size = case((users.c.id < 9, "small"), (users.c.id < 99, "big"), else_="huge")
""",
        ),
        Example(
            "a list by its old name",
            """\
from sqlalchemy import case

from app.tables import users

size = case(whens=[(users.c.id < 9, "small")], else_="huge")  # error
""",
        ),
        Example(
            "conditions as arguments, and a dictionary",
            """\
from sqlalchemy import case

from app.tables import users

size = case((users.c.id < 9, "small"), else_="huge")
name = case({1: "one", 2: "two"}, value=users.c.id)
""",
        ),
        Example(
            "a function of the project's own",
            """\
from app.text import case

print(case(["a", "b"]))
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for use in patterns.uses(view, {"sqlalchemy.case"}):
            first = use.node.args[0] if use.node.args else None
            old = patterns.keyword(use.node, "whens")
            if not (_is_list(first) or (old is not None and _is_list(old.value))):
                continue
            if not patterns.is_guarded(view, use.node):
                message = "`case()` takes no list since SQLAlchemy 2.0"
                yield self.finding(use.node, use.function, message, fix=_fix(use, first))


def _is_list(expr: s.Expr | None) -> bool:
    return isinstance(expr, s.Sequence | s.Comprehension) and expr.kind == "list"


def _fix(use: Use, first: s.Expr | None) -> Fix | None:
    """Spread the list; what follows it, the `value` or `else_` of 1.3, had to be a keyword."""
    is_empty = isinstance(first, s.Sequence) and not first.items
    if first is None or is_empty or len(use.node.args) != 1:
        return None
    edit = SpreadArgument(span=use.node.span, codemod=patterns.CODEMOD)
    return patterns.safe("give the conditions as arguments", edit)
