"""Sessions that a function fetches itself, injected or opened with `async with`."""

from __future__ import annotations

from migrate_async.rewrite.codemod import Example, PlannedCodemod

_DATABASE = """\
from fastapi import APIRouter, Depends
from sqlalchemy import create_engine, select
from sqlalchemy.orm import sessionmaker

engine = create_engine("sqlite:///app.db")
SessionLocal = sessionmaker(bind=engine)
router = APIRouter()
"""


class SessionInjection(PlannedCodemod):
    """Give routes their session with `Depends(get_db)`, everything else with `async with`.

    ## Why

    A session that a route fetches from a registry or a factory is closed only if nobody forgets
    to. The dependency closes it on success, error, cancellation and disconnect.

    ## What it does

    In routes and dependencies, `Container.resolve("db_session")`, `SessionLocal()` and
    `next(get_db())` become the parameter `db: AsyncSession = Depends(get_db)`. The `close()`, the
    handlers that only roll back and re-raise, and the `try` around them go; comments stay.
    Elsewhere the session is opened with `async with`, also where the request has another session
    already: two sessions stay two. A class that fetches a session in `__init__`
    takes it as an argument.

    ## Left alone

    Sessions of functions that stay sync.
    """

    NAME = "session-injection"
    CODE = "MA300"
    AFTER = ("query-to-select",)
    EXAMPLES = (
        Example(
            "try and finally go",
            before=_DATABASE
            + """

@router.get("/total")
def total():
    db = SessionLocal()
    try:
        # all rows
        return db.execute(select(1)).scalar_one()
    finally:
        db.close()
""",
            after=_DATABASE.replace(
                "from sqlalchemy.orm import sessionmaker",
                "from sqlalchemy.ext.asyncio import AsyncSession\n"
                "from sqlalchemy.orm import sessionmaker",
            )
            + """

@router.get("/total")
def total(db: AsyncSession = Depends(get_db)):
    # all rows
    return db.execute(select(1)).scalar_one()
""",
        ),
        Example(
            "a job opens its session",
            before=_DATABASE
            + """

def nightly():
    db = SessionLocal()
    db.execute(select(1))
    db.commit()
    db.close()
""",
            after=_DATABASE
            + """

def nightly():
    async with SessionLocal() as db:
        db.execute(select(1))
        db.commit()
""",
        ),
        Example(
            "the session is given already",
            before="""\
def count(db):
    return db.execute("SELECT 1").scalar()
""",
        ),
    )
