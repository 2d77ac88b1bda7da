"""Engine, session factory, session dependency and start-up in their async form."""

from __future__ import annotations

from migrate_async.rewrite.codemod import Example, PlannedCodemod


class AsyncEngine(PlannedCodemod):
    """Make the application's engine, session factory and start-up async.

    ## Why

    Coroutines need an async driver. `expire_on_commit=False` keeps attributes readable after a
    commit, where reading an expired one would need I/O. Where a later query may meet an object that
    somebody holds from before a commit, `sync_session_class=LateExpirySession` has it filled anew.

    ## What it does

    `create_engine` becomes `create_async_engine` with the async driver's URL, or the runtime's
    `async_engine_from_url(...)` where the URL is known only at run time or has arguments that the
    async driver does not take; `sessionmaker` becomes
    `async_sessionmaker(expire_on_commit=False)`, `scoped_session` in a function
    `async_scoped_session`, in an attribute or a module `task_scoped_session` of the runtime;
    `create_all` at import and `@app.on_event` become steps of a lifespan, unless something starts
    that a lifespan cannot call by its name, or there is one already. While some code stays
    sync, it adds what that code needs.

    ## Left alone

    Engines of projects in which nothing converts; `query_cls`, and a `scoped_session` that is
    neither for one function alone nor only called (reported).
    """

    NAME = "async-engine"
    CODE = "MA400"
    AFTER = ("async-colour",)
    EXAMPLES = (
        Example(
            "engine and factory",
            before="""\
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

engine = create_engine("postgresql://localhost/shop", pool_size=10)
SessionLocal = sessionmaker(autocommit=False, autoflush=False, bind=engine)


def save(db: Session):
    db.commit()
""",
            after="""\
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session

engine = create_async_engine("postgresql+asyncpg://localhost/shop", pool_size=10)
SessionLocal = async_sessionmaker(autoflush=False, bind=engine, expire_on_commit=False)


def save(db: Session):
    db.commit()
""",
        ),
        Example(
            "nothing here converts",
            before="""\
from sqlalchemy import create_engine

engine = create_engine("sqlite:///report.db")
""",
        ),
    )
