"""An operation of an async session in a plain `def`, where nothing can await it."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.lint.hazards.coroutines import Coroutines
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model.finding import Confidence, Finding
from migrate_async.plan.hazards.confidence import weakest
from migrate_async.plan.hazards.hits import short


class AsyncSessionInSyncFunction(Rule):
    """A plain `def` uses an operation of an async session as if it were a sync one.

    ## Why

    Operations of `AsyncSession`, `AsyncConnection` and `AsyncEngine` are coroutines: calling one
    runs nothing, and a plain function cannot await it.

    ## Fix

    Make the function `async def` and await the operation, or give it a `Session`: that is what
    `await session.run_sync(function)` does.

    ## False alarms

    A plain function that returns the coroutine, or hands it to something that awaits it, is right
    and left alone.
    """

    CODE = "MA711"
    CONSEQUENCE = "the operation never runs: writes are lost, reads fail on a coroutine"
    REMEDY = "make the function `async def`, or call it with `await session.run_sync(...)`"
    EXAMPLES = (
        Example(
            "nothing is committed",
            """\
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


def save(db: AsyncSession, user):
    db.add(user)
    db.commit()  # error


def names(db: AsyncSession):
    return db.scalars(text("SELECT name FROM users")).all()  # error
""",
        ),
        Example(
            "an async engine",
            """\
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine("sqlite+aiosqlite://")


def shut_down():
    engine.dispose()  # error
""",
        ),
        Example(
            "the coroutine is returned",
            """\
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


def count(db: AsyncSession):
    return db.scalar(text("SELECT count(*) FROM users"))
""",
        ),
        Example(
            "run_sync gives a sync session",
            """\
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session


def save(db: Session, user):
    db.add(user)
    db.commit()


async def route(db: AsyncSession, user):
    await db.run_sync(save, user)
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for function in view.functions:
            if function.is_async:
                continue
            is_test = function.module.is_test  # another fixture may have the name
            in_test = Confidence.MEDIUM if is_test else Confidence.HIGH
            for forgotten in view.analysis(Coroutines).forgotten(function):
                if forgotten.site.operation is None:
                    continue
                call = forgotten.site.node
                yield self.finding(
                    call,
                    function,
                    f"`{short(call)}` {forgotten.what}, and `def {function.name}` cannot await",
                    confidence=weakest(forgotten.confidence, in_test),
                )
