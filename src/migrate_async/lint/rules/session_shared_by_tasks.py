"""`gather(db.execute(...), db.execute(...))`."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.scopes import Function
from migrate_async.lint.hazards.launches import Launch, Launches, Load
from migrate_async.lint.rule import Example, Rule, place
from migrate_async.lint.view import View
from migrate_async.model.finding import Confidence, Finding
from migrate_async.plan.hazards.confidence import weakest
from migrate_async.plan.hazards.hits import short


class SessionSharedByTasks(Rule):
    """Several tasks or threads work on one session at the same time.

    ## Why

    A session has one connection and one transaction, and is not made for use by two at once. The
    second operation raises `InvalidRequestError: This session is provisioning a new connection;
    concurrent operations are not permitted` or the driver's `another operation is in progress`;
    where the timing is kind, one task commits or rolls back what another one is writing.

    ## Fix

    Give each task a session of its own: `async with SessionLocal() as db:` inside of it. Or await
    one after the other: on one connection nothing runs in parallel anyway.

    ## False alarms

    A function that takes a lock before it uses the session, one that cannot be followed, and a
    single task that its creator may await at once have medium confidence.
    """

    CODE = "MA720"
    CONSEQUENCE = "under load, operations fail at random or commit each other's half-done work"
    REMEDY = "open a session in each task, or await the operations one after the other"
    EXAMPLES = (
        Example(
            "gather",
            """\
import asyncio

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


async def load(db: AsyncSession, key: int):
    return await db.scalar(text("SELECT 1"))


async def route(db: AsyncSession, keys: list[int]):
    await asyncio.gather(db.scalar(text("SELECT 1")), db.scalar(text("SELECT 2")))  # error
    await asyncio.gather(load(db, 1), load(db, 2))  # error
    await asyncio.gather(*[load(db, key) for key in keys])  # error
    tasks = []
    for key in keys:
        tasks.append(load(db, key))
    return await asyncio.gather(*tasks)  # error
""",
        ),
        Example(
            "tasks, groups and threads",
            """\
import asyncio
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session


async def load(db: AsyncSession, key: int):
    return await db.scalar(text("SELECT 1"))


def work(db: Session, key: int):
    return db.scalar(text("SELECT 1"))


async def route(db: AsyncSession, keys: list[int]):
    async with asyncio.TaskGroup() as group:
        for key in keys:
            group.create_task(load(db, key))  # error
    task = asyncio.create_task(load(db, 1))  # error: medium
    return await load(db, 2), await task


def job(db: Session, keys: list[int]):
    with ThreadPoolExecutor() as pool:
        for key in keys:
            pool.submit(work, db, key)  # error
""",
        ),
        Example(
            "each task has a session of its own",
            """\
import asyncio

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

SessionLocal = async_sessionmaker(create_async_engine("sqlite+aiosqlite://"))


async def load(key: int):
    async with SessionLocal() as db:
        return await db.scalar(text("SELECT 1"))


async def query(db: AsyncSession):
    return await db.scalar(text("SELECT 1"))


async def route(keys: list[int], sessions: list[AsyncSession]):
    await asyncio.gather(*[query(db) for db in sessions])
    return await asyncio.gather(*[load(key) for key in keys])
""",
        ),
        Example(
            "different sessions, and one coroutine of several",
            """\
import asyncio

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


async def load(db: AsyncSession):
    return await db.scalar(text("SELECT 1"))


async def route(db: AsyncSession, other: AsyncSession, fetch):
    return await asyncio.gather(load(db), load(other), fetch("https://example.org"))
""",
        ),
        Example(
            "the session is handed on, not used",
            """\
import asyncio

from sqlalchemy.ext.asyncio import AsyncSession


async def name(db: AsyncSession, key: int):
    return f"{key}"


async def route(db: AsyncSession, keys: list[int]):
    return await asyncio.gather(*[name(db, key) for key in keys])
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for function in view.functions:
            for launch in view.analysis(Launches).of(function):
                yield from self._launch(function, launch)

    def _launch(self, function: Function, launch: Launch) -> Iterator[Finding]:
        for session, loads in _by_session(launch).items():
            is_single = len(loads) == 1 and not loads[0].many
            if is_single and not _is_task(launch):
                continue
            bound = Confidence.MEDIUM if is_single else Confidence.HIGH
            confidence = weakest(bound, *(load.confidence for load in loads))
            yield self.finding(
                launch.call,
                function,
                f"`{short(launch.call)}` has several tasks work on the session `{session}` at once",
                confidence=confidence,
                related=[
                    place(load.node, function, f"works on `{session}`")
                    for load in loads
                    if load.node is not launch.call
                ],
            )


def _by_session(launch: Launch) -> dict[str, list[Load]]:
    found: dict[str, list[Load]] = {}
    for load in launch.loads:
        found.setdefault(load.session, []).append(load)
    return found


def _is_task(launch: Launch) -> bool:
    """A task runs beside the code that created it; what `gather` is given runs beside the rest."""
    return short(launch.call.func).rpartition(".")[2] in ("create_task", "ensure_future")
