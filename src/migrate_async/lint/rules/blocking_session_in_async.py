"""`db.execute(...)` on a sync session in an `async def`."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.lint.hazards.reach import DatabaseReach
from migrate_async.lint.hazards.scripts import on_loop
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model.finding import Finding
from migrate_async.plan.hazards.confidence import weakest


class BlockingSessionInAsync(Rule):
    """A sync session, engine or connection works in an `async def`, on the event loop.

    ## Why

    The thread that waits for the database is the one that serves every other request. A query of
    50 ms holds all of them for 50 ms; a full connection pool holds them until its timeout. Nothing
    fails in development, where one request runs at a time.

    ## Fix

    Give the function an `AsyncSession` and await the operation. `migrate-async migrate` does so for
    the function and whatever it calls. Until then make it a plain `def`: FastAPI runs plain route
    functions in a thread.

    ## False alarms

    A coroutine that has an event loop to itself (a worker that runs one job) blocks nobody. In
    scripts that start their loop themselves, in test suites, and where only a parameter's name
    tells that it is a session, the confidence is low; where the object may be an async one too,
    medium.
    """

    CODE = "MA701"
    CONSEQUENCE = "every other request of the process waits until the database has answered"
    REMEDY = "use an AsyncSession and await it, or make the function a plain `def`"
    EXAMPLES = (
        Example(
            "a session in an async route",
            """\
from fastapi import Depends, FastAPI
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.db import get_db

app = FastAPI()


@app.get("/users")
async def users(db: Session = Depends(get_db)):
    names = db.scalars(text("SELECT name FROM users")).all()  # error
    db.commit()  # error
    return names
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
            "a legacy query, and a connection",
            """\
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

engine = create_engine("sqlite://")


async def users(db: Session):
    return db.query("users").filter_by(id=1).first()  # error


async def ping():
    with engine.connect() as connection:  # error
        connection.execute(text("SELECT 1"))  # error
""",
        ),
        Example(
            "a session by its name only",
            """\
async def save(db):
    db.commit()  # error: low
""",
        ),
        Example(
            "a script has its loop to itself",
            """\
import asyncio

from sqlalchemy import create_engine, text

engine = create_engine("sqlite://")


async def main():
    with engine.connect() as connection:  # error: low
        connection.execute(text("SELECT 1"))  # error: low


if __name__ == "__main__":
    asyncio.run(main())
""",
        ),
        Example(
            "an async session is awaited",
            """\
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


async def users(db: AsyncSession):
    return (await db.scalars(text("SELECT name FROM users"))).all()
""",
        ),
        Example(
            "the plain function runs in a thread",
            """\
from fastapi import Depends, FastAPI
from sqlalchemy import text
from sqlalchemy.orm import Session

app = FastAPI()


@app.get("/users")
def users(db: Session = Depends()):
    return db.scalars(text("SELECT name FROM users")).all()
""",
        ),
        Example(
            "the work is handed to a thread or to run_sync",
            """\
import asyncio

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session


async def users(db: Session, other: AsyncSession):
    def load(session: Session):
        return session.scalars(text("SELECT name FROM users")).all()

    await other.run_sync(load)
    await other.run_sync(lambda session: session.flush())
    return await asyncio.to_thread(load, db)
""",
        ),
        Example(
            "a migration runs it in a greenlet for the time being",
            """\
from migrate_async import implicit_io
from sqlalchemy.orm import Session


@implicit_io
async def users(db: Session):
    return db.query("users").filter_by(id=1).first()
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for function in view.explicit_coroutines:
            for hit in view.analysis(DatabaseReach).hits(function):
                yield self.finding(
                    hit.site.node,
                    function,
                    f"`{hit.text}` blocks the event loop in `async def {function.name}`",
                    confidence=weakest(hit.confidence, on_loop(view, function)),
                )
