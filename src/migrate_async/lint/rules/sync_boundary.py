"""Functions that cannot become coroutines and keep others sync."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.lint import patterns
from migrate_async.lint.rule import Example, Rule, place
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence, Finding

_AS_A_VALUE = "value:"
"""A function that is handed on as a value: whoever takes it may await it."""


class SyncBoundary(Rule):
    """A function that uses the database cannot be `async def`, because of who calls it.

    ## Why

    Constructors, properties, callbacks of a framework and tasks of a queue are called by code that
    does not await. What they do with the database stays sync, and so does every function that
    only works together with them.

    ## Fix

    Take the database work out: load what a property needs beforehand, make a class method that is
    awaited instead of a constructor, give a task a loop of its own.

    ## False alarms

    It is a note about the shape of the program, with low confidence: many boundaries are right as
    they are.
    """

    CODE = "MA857"
    BEST = Confidence.LOW
    CONSEQUENCE = "its callees stay sync, each call of them on a bridge"
    REMEDY = "take the database work out of the function"
    PER_FILE = True
    EXAMPLES = (
        Example(
            "a property and a helper that it keeps",
            """\
from sqlalchemy import text
from sqlalchemy.orm import Session


class Report:
    def __init__(self, db: Session) -> None:
        self.db = db

    @property
    def total(self) -> int:  # error: low
        return self.db.scalar(text("SELECT count(*) FROM users"))
""",
        ),
        Example(
            "a function that can be a coroutine",
            """\
from sqlalchemy import text
from sqlalchemy.orm import Session


def total(db: Session) -> int:
    return db.scalar(text("SELECT count(*) FROM users"))
""",
        ),
        Example(
            "a property without a database",
            """\
class Report:
    @property
    def total(self) -> int:
        return 1
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for function in view.functions:
            boundary = function.boundary
            if not isinstance(function.node, s.FunctionDef) or not boundary or function.is_async:
                continue
            operation = next(filter(patterns.is_sync_operation, view.project.calls(function)), None)
            if operation is not None and not boundary.startswith(_AS_A_VALUE):
                yield self.finding(
                    patterns.header(function),
                    function,
                    f"`{function.name}` uses the database and cannot be `async def`: {boundary}",
                    confidence=Confidence.LOW,
                    related=[place(operation.node, function, "what it does there")],
                )
