"""`requests.get(...)` in a function that the migration makes `async def`."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.lint.hazards.reach import DatabaseReach, blocking_work
from migrate_async.lint.migration import colouring
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model.finding import Confidence, Finding
from migrate_async.plan.hazards.confidence import weakest


class BlockingCallOnceMigrated(Rule):
    """A function that `migrate` makes `async def` makes a blocking call that it cannot wrap.

    ## Why

    FastAPI runs a plain route function in a thread, where `requests.get` disturbs nobody. The same
    code in an `async def` runs on the event loop and stops every other request. `migrate` puts such
    calls into threads, `await run_in_threadpool(requests.get, url)`, but not all: not where `await`
    is illegal, not where a whole block works on what the call opens, and none with
    `blocking = "report"` in the settings.

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
    requests.get("https://example.org")
    with requests.get("https://example.org/large", stream=True) as response:  # error: medium
        response.raw.read()
    open("log.txt")  # error: low
    return any(load(number) for number in range(3)), db.scalar(text("SELECT 1"))  # error: medium


def load(number: int) -> str:
    return requests.get(f"https://example.org/{number}").text
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
            if function.is_async or not view.analysis(DatabaseReach).uses(function):
                continue
            planned = view.analysis(colouring)
            for work in view.analysis(blocking_work).of(function, planned.coloured):
                if work.cure or not planned.converts(function):
                    continue
                bound = Confidence.LOW if work.hit.is_brief else Confidence.MEDIUM
                yield self.finding(
                    work.site.node,
                    function,
                    f"`{work.chain}` would block the event loop once `{function.name}` is async: "
                    f"{work.obstacle}",
                    confidence=weakest(work.hit.confidence, bound),
                    remedy=f"use {work.hit.instead}",
                )
