"""`def` to `async def`, with every await that this takes."""

from __future__ import annotations

from migrate_async.model.plan import Step
from migrate_async.rewrite.codemod import Example, PlannedCodemod


class AsyncColour(PlannedCodemod):
    """Make functions that use a session coroutines, and await what they call.

    ## Why

    A coroutine that is not awaited does nothing, silently. So the colour of a function and the
    awaits of all its callers change together, across modules, classes and dependencies.

    ## What it does

    `def` becomes `async def`; session operations and calls of converted functions are awaited;
    `with` becomes `async with` where the context manager is async; `Session` in annotations
    becomes `AsyncSession`; relationship reads go through `awaitable_attrs`; objects that a commit
    would have expired, or a rollback has, are loaded anew where they are read afterwards;
    `object_session(x)` becomes `async_object_session(x)`, and `inspect(x).session`
    `inspect(x).async_session`.

    ## Left alone

    Functions that something calls without awaiting (properties, `__init__`, lambdas, event
    listeners, tasks, functions handed on as values), functions whose query cannot be translated,
    and functions that one of those calls. The plan gives the reason for each.
    """

    NAME = "async-colour"
    CODE = "MA200"
    STEP = Step.ASYNC
    AFTER = ("query-to-select", "session-injection")
    EXAMPLES = (
        Example(
            "a function and its caller",
            before="""\
from sqlalchemy import select
from sqlalchemy.orm import Session


def rename(db: Session, user, name: str):
    user.name = name
    db.commit()


def rename_all(db: Session, names: dict):
    for user, name in names.items():
        rename(db, user, name)  # one commit each
""",
            after="""\
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession


async def rename(db: AsyncSession, user, name: str):
    user.name = name
    await db.commit()


async def rename_all(db: AsyncSession, names: dict):
    for user, name in names.items():
        await rename(db, user, name)  # one commit each
""",
        ),
        Example(
            "an awaited statement gets a line of its own",
            before="""\
from sqlalchemy import select
from sqlalchemy.orm import Session


def newest(db: Session, model):
    return db.execute(select(model).limit(1)).scalars().first()
""",
            after="""\
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession


async def newest(db: AsyncSession, model):
    result = await db.execute(select(model).limit(1))
    return result.scalars().first()
""",
        ),
        Example(
            "nobody awaits a property",
            before="""\
from sqlalchemy import select
from sqlalchemy.orm import object_session


class User:
    @property
    def orders(self):
        return object_session(self).execute(select(1)).scalar_one()
""",
        ),
        Example(
            "a generator expression cannot hold an await",
            before="""\
def size(db, table):
    return db.execute(table).rowcount


def total(db, tables):
    return sum(size(db, table) for table in tables)
""",
        ),
    )
