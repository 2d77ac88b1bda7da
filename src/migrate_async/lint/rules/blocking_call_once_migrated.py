"""`requests.get(...)` in a function that the migration makes `async def`."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.lint.confidence import weakest
from migrate_async.lint.hazards.reach import BlockingReach, DatabaseReach
from migrate_async.lint.migration import colouring
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model.finding import Confidence, Finding
from migrate_async.plan.paths import is_test_path


class BlockingCallOnceMigrated(Rule):
    """A sync function that `migrate` makes `async def` makes a call that blocks.

    ## Why

    FastAPI runs a plain route function in a thread, where `requests.get` disturbs nobody. The same
    code in an `async def` runs on the event loop and stops every other request: the migration
    would turn a slow route into a slow service.

    ## Fix

    Before you migrate the function, move the call into a function of its own and run that with
    `await asyncio.to_thread(...)`, or use the async counterpart that the finding names.

    ## False alarms

    It is about what would be, so the confidence is medium at most; file access, which is mostly
    fast, has low confidence.
    """

    CODE = "MA704"
    BEST = Confidence.MEDIUM
    CONSEQUENCE = "after the migration, every other request waits until the call returns"
    REMEDY = "run it in a thread with `await asyncio.to_thread(...)` once the function is async"
    EXAMPLES = (
        Example(
            "a route that uses a session and calls a web service",
            """\
import requests
from fastapi import Depends, FastAPI
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.db import get_db

app = FastAPI()


@app.get("/")
def route(db: Session = Depends(get_db)):
    requests.get("https://example.org")  # error: medium
    open("log.txt")  # error: low
    return db.scalar(text("SELECT 1"))
# file: app/db.py
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker(create_engine("sqlite://"))


def get_db():
    with SessionLocal() as db:
        yield db
""",
        ),
        Example(
            "the function stays sync: it touches no session",
            """\
import requests
from fastapi import FastAPI

app = FastAPI()


@app.get("/")
def route():
    return requests.get("https://example.org").json()
""",
        ),
        Example(
            "the function is a coroutine already: MA703 finds it",
            """\
import requests
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


async def route(db: AsyncSession):
    requests.get("https://example.org")
    return await db.scalar(text("SELECT 1"))
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for function in view.functions:
            if function.is_async or is_test_path(function.module.path):
                continue
            hits = view.analysis(BlockingReach).hits(function)
            if not hits or not view.analysis(DatabaseReach).uses(function):
                continue
            if not view.analysis(colouring).converts(function):
                continue
            for hit in hits:
                is_brief = hit.confidence is not Confidence.HIGH
                bound = Confidence.LOW if is_brief else Confidence.MEDIUM
                yield self.finding(
                    hit.site.node,
                    function,
                    f"`{hit.text}` would block the event loop once `{function.name}` is async",
                    confidence=weakest(hit.confidence, bound),
                    remedy=f"use {hit.instead}",
                )
