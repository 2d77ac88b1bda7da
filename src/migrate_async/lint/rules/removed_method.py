"""Methods that SQLAlchemy removed, renamed or deprecated."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.scopes import Function, RawCall
from migrate_async.knowledge.legacy_api import METHODS, UNIQUE_METHODS, Change
from migrate_async.lint import patterns
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence, Finding, Fix
from migrate_async.model.plan import RenameAttribute


class RemovedMethod(Rule):
    """A method is called that SQLAlchemy removed, renamed or deprecated.

    ## Why

    A removed method raises `AttributeError` when the line runs, which may be rare: no test of
    another line tells. A deprecated one warns and goes in a later release.

    ## Fix

    The finding names what to write instead. Methods that were only renamed are replaced.

    ## False alarms

    Where nothing is known about the object, only names that nobody else uses are reported, with
    medium confidence.
    """

    CODE = "MA817"
    CONSEQUENCE = "the call raises AttributeError on the release that removed the method"
    REMEDY = "write what replaces the method"
    PER_FILE = True
    EXAMPLES = (
        Example(
            "a scalar subquery",
            """\
from sqlalchemy import func, select

from app.models import User

newest = select(func.max(User.id)).where(User.active).as_scalar()  # error
""",
            """\
from sqlalchemy import func, select

from app.models import User

newest = select(func.max(User.id)).where(User.active).scalar_subquery()
""",
        ),
        Example(
            "methods of an engine and of a query",
            """\
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

engine = create_engine("sqlite://")
print(engine.table_names())  # error


def users(db: Session):
    return db.query("users").from_self().all()  # error
""",
        ),
        Example(
            "an object of unknown type with a method that only SQLAlchemy has",
            """\
def newest(statement):
    return statement.as_scalar()  # error: medium
""",
            """\
def newest(statement):
    return statement.scalar_subquery()
""",
        ),
        Example(
            "the inspector has the method still",
            """\
from sqlalchemy import create_engine, inspect

engine = create_engine("sqlite://")
print(inspect(engine).has_table("users"))
""",
        ),
        Example(
            "a method of the project's own class",
            """\
class Schema:
    def table_names(self):
        return []

    def as_scalar(self):
        return 1


print(Schema().table_names(), Schema().as_scalar())
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for use in patterns.uses(view, METHODS):
            change = METHODS[use.name]
            sure = patterns.confidence(view, change, by_name=use.by_name)
            yield self._finding(use.call, use.function, change, sure)
        for function in view.functions:
            for call in function.calls:
                func = call.node.func
                if not isinstance(func, s.Attribute) or func.attr not in UNIQUE_METHODS:
                    continue
                if not view.project.infer(func, call.scope):
                    change = METHODS[UNIQUE_METHODS[func.attr]]
                    yield self._finding(call, function, change, Confidence.MEDIUM)

    def _finding(
        self, call: RawCall, function: Function, change: Change, sure: Confidence
    ) -> Finding:
        func = call.node.func
        assert isinstance(func, s.Attribute)  # noqa: S101 - the table has methods only
        return self.finding(
            call.node,
            function,
            f"`{func.attr}()` {change.fate}",
            confidence=sure,
            remedy=f"use {change.instead}",
            fix=_fix(func, change),
        )


def _fix(func: s.Attribute, change: Change) -> Fix | None:
    if not change.renamed:
        return None
    edit = RenameAttribute(span=func.span, codemod=patterns.CODEMOD, name=change.renamed)
    return patterns.safe(f"use `{change.renamed}()`", edit)
