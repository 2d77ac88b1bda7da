"""A sync session that an `async def` uses through other functions."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.lint.hazards.reach import DatabaseReach
from migrate_async.lint.hazards.scripts import on_loop
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model.finding import Finding
from migrate_async.plan.hazards.confidence import weakest


class BlockingSessionThroughCalls(Rule):
    """An `async def` calls a sync function that works on a sync session, engine or connection.

    ## Why

    The same as for an operation in the `async def` itself: the thread that waits is the event
    loop's. The call looks harmless; the message shows the way to the operation.

    ## Fix

    Make the functions on the way coroutines (`migrate-async migrate` does it for all of them), or
    call the first one with `await run_in_threadpool(...)`, or make the route a plain `def`.

    ## False alarms

    A call that can reach several methods is reported if one of them uses a session, with medium
    confidence. What is handed to `run_sync`, `run_in_threadpool`, `asyncio.to_thread` or an
    executor is not called here, and not reported.
    """

    CODE = "MA702"
    CONSEQUENCE = "every other request of the process waits until the database has answered"
    REMEDY = "make the functions on the way async, or call the first with `run_in_threadpool`"
    EXAMPLES = (
        Example(
            "two calls away",
            """\
from sqlalchemy import text
from sqlalchemy.orm import Session


def find(db: Session):
    return db.scalar(text("SELECT 1"))


def load(db: Session):
    return find(db)


async def route(db: Session):
    return load(db)  # error
""",
        ),
        Example(
            "a property that runs a query",
            """\
from sqlalchemy import text
from sqlalchemy.orm import Session


class Account:
    def __init__(self, db: Session):
        self.db = db

    @property
    def balance(self):
        return self.db.scalar(text("SELECT 1"))


async def route(account: Account):
    return account.balance  # error
""",
        ),
        Example(
            "one of several methods uses a session",
            """\
from sqlalchemy import text
from sqlalchemy.orm import Session


class Store:
    def count(self):
        raise NotImplementedError


class DatabaseStore(Store):
    def __init__(self, db: Session):
        self.db = db

    def count(self):
        return self.db.scalar(text("SELECT 1"))


async def route(store: Store):
    return store.count()  # error: medium
""",
        ),
        Example(
            "a thread makes the call",
            """\
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import text
from sqlalchemy.orm import Session


def find(db: Session):
    return db.scalar(text("SELECT 1"))


async def route(db: Session):
    await run_in_threadpool(lambda: find(db))
    return await run_in_threadpool(find, db)
""",
        ),
        Example(
            "FastAPI runs sync dependencies in threads",
            """\
from fastapi import Depends, FastAPI
from sqlalchemy import text
from sqlalchemy.orm import Session

app = FastAPI()


def current_user(db: Session = Depends()):
    return db.scalar(text("SELECT 1"))


@app.get("/")
async def route(user=Depends(current_user)):
    return user
""",
        ),
        Example(
            "calling a generator function runs nothing yet",
            """\
from sqlalchemy import text
from sqlalchemy.orm import Session


def rows(db: Session):
    for row in db.execute(text("SELECT 1")):
        yield row


async def route(db: Session, response_class):
    return response_class(rows(db))
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for function in view.explicit_coroutines:
            for site in view.project.calls(function):
                way = view.analysis(DatabaseReach).way(site)
                if way is None:
                    continue
                yield self.finding(
                    site.node,
                    function,
                    f"blocks the event loop in `async def {function.name}`: {way.chain}",
                    confidence=weakest(way.confidence, on_loop(view, function)),
                    related=way.related(),
                )
