"""A module's async engine on the loop of `asyncio.run`."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.scopes import Function
from migrate_async.lint.hazards.loops import OwnLoops
from migrate_async.lint.rule import Example, Rule, place
from migrate_async.lint.view import View
from migrate_async.model.finding import Confidence, Finding
from migrate_async.plan.hazards.hits import short

_ENGINE = """\
# file: app/db.py
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

engine = create_async_engine("postgresql+asyncpg://")
SessionLocal = async_sessionmaker(engine)
"""


class EngineAcrossLoops(Rule):
    """A module's async engine is used on an event loop that a function starts for itself.

    ## Why

    The connections of an engine's pool belong to the loop that opened them. `asyncio.run` makes a
    loop and closes it; the next one finds connections of a closed loop in the pool: `RuntimeError:
    Event loop is closed`, or `attached to a different loop`. The first run works, so tests pass.

    ## Fix

    Make the engine with `poolclass=NullPool` for such code, make an engine inside of the coroutine,
    or `await engine.dispose()` at its end.

    ## False alarms

    A function that runs once per process (a command, a script's `main`) is left alone. Whether a
    function that no task queue calls runs more than once is not known: medium confidence.
    """

    CODE = "MA713"
    CONSEQUENCE = "the second run in a process fails: its connections belong to a closed loop"
    REMEDY = "use an engine with `poolclass=NullPool` here, or dispose of it before the loop ends"
    EXAMPLES = (
        Example(
            "a task, and a function",
            """\
import asyncio

from celery import shared_task
from sqlalchemy import text

from app.db import SessionLocal


async def load():
    async with SessionLocal() as db:
        return await db.scalar(text("SELECT 1"))


async def work():
    return await load()


@shared_task
def task():
    asyncio.run(work())  # error


def helper():
    return asyncio.run(load())  # error: medium
"""
            + _ENGINE,
        ),
        Example(
            "the engine has no pool",
            """\
import asyncio

from celery import shared_task
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

engine = create_async_engine("postgresql+asyncpg://", poolclass=NullPool)


async def work():
    async with engine.begin() as connection:
        await connection.rollback()


@shared_task
def task():
    asyncio.run(work())
""",
        ),
        Example(
            "disposed of before the loop ends",
            """\
import asyncio

from celery import shared_task

from app.db import engine


async def work():
    async with engine.begin() as connection:
        await connection.rollback()
    await engine.dispose()


@shared_task
def task():
    asyncio.run(work())
"""
            + _ENGINE,
        ),
        Example(
            "a script runs once",
            """\
import asyncio

import typer

from app.db import engine

cli = typer.Typer()


async def work():
    async with engine.begin() as connection:
        await connection.rollback()


@cli.command()
def command():
    asyncio.run(work())


def main():
    asyncio.run(work())


if __name__ == "__main__":
    main()
"""
            + _ENGINE,
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for function in view.functions:
            if function.is_module or function.module.is_test:
                continue
            for found in view.analysis(OwnLoops).of(function):
                confidence = self._confidence(view, function)
                if confidence is None:
                    continue
                yield self.finding(
                    found.call,
                    function,
                    f"`{short(found.call)}` uses a module's async engine on a loop of its own",
                    confidence=confidence,
                    related=(place(found.use.node, found.use.function, "the engine is used here"),),
                )

    def _confidence(self, view: View, function: Function) -> Confidence | None:
        """How sure it is that `function` runs more than once; None: it runs once."""
        if function.boundary == "task" or (function.boundary or "").startswith("override:celery"):
            return Confidence.HIGH
        if function.boundary == "cli" or "env.py" in function.module.path:
            return None
        callers = view.project.callers(function)
        runs_once = bool(callers) and all(
            site.function.is_module or site.function.boundary == "cli" for site in callers
        )
        is_script = function.name in ("main", "cli") or runs_once
        return None if is_script else Confidence.MEDIUM
