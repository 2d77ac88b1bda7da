"""A sync route in a project that has an async engine."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.lint import patterns
from migrate_async.lint.rule import Example, Rule, place
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence, Finding


class SyncRoute(Rule):
    """A `def` route uses a sync session although the project has an async engine.

    ## Why

    The route occupies a thread of the pool for as long as the database takes. Beside async routes
    it is worse: two sessions of one request see different transactions, and an object loaded by
    the sync one and changed by async code is never stored.

    ## Fix

    Migrate the route together with the dependencies that give it database objects:
    `migrate-async migrate PATH`.

    ## False alarms

    A route that is meant to stay sync: exclude it with `# noqa: MA852` and the reason. A session
    that is known only by the name of an unannotated parameter has low confidence.
    """

    CODE = "MA852"
    CONSEQUENCE = "each request holds a thread, and writes may be lost between two sessions"
    REMEDY = "migrate the route: `migrate-async migrate PATH`"
    PER_FILE = False
    EXAMPLES = (
        Example(
            "a sync route beside an async one",
            """\
from fastapi import Depends, FastAPI
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, sessionmaker

SessionLocal = sessionmaker(create_engine("sqlite://"))
AsyncSessionLocal = async_sessionmaker(create_async_engine("sqlite+aiosqlite://"))
app = FastAPI()


def get_db():
    with SessionLocal() as db:
        yield db


async def get_async_db():
    async with AsyncSessionLocal() as db:
        yield db


@app.get("/old")
def old(db: Session = Depends(get_db)):  # error
    return db.scalars(text("SELECT 1")).all()


@app.get("/own")
def own():  # error
    with SessionLocal() as db:
        return db.scalars(text("SELECT 1")).all()


@app.get("/new")
async def new(db: AsyncSession = Depends(get_async_db)):
    return (await db.scalars(text("SELECT 1"))).all()
""",
        ),
        Example(
            "a project that is sync as a whole",
            """\
from fastapi import Depends, FastAPI
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session, sessionmaker

SessionLocal = sessionmaker(create_engine("sqlite://"))
app = FastAPI()


def get_db():
    with SessionLocal() as db:
        yield db


@app.get("/users")
def users(db: Session = Depends(get_db)):
    return db.scalars(text("SELECT 1")).all()
""",
        ),
        Example(
            "a sync route without a database",
            """\
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine("sqlite+aiosqlite://")
app = FastAPI()


@app.get("/version")
def version():
    return "1"
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        if not has_async_engine(view.project):
            return
        for function in dict.fromkeys(route.function for route in view.project.routes):
            if function.is_async or not view.is_selected(function):
                continue
            if not isinstance(function.node, s.FunctionDef):
                continue
            found = _session_parameter(view, function) or _operation(view.project, function)
            if found is not None:
                node, sure = found
                related = [place(node, function, "the sync session")]
                message = f"the route `{function.name}` is sync beside an async engine"
                where = patterns.header(function)
                yield self.finding(where, function, message, confidence=sure, related=related)


def has_async_engine(project: Project) -> bool:
    """Whether anything of the project makes an async engine or async sessions."""
    return any(
        item.kind.startswith("async") for item in (*project.engines, *project.session_factories)
    )


def _session_parameter(view: View, function: Function) -> tuple[s.Node, Confidence] | None:
    for param in function.params:
        session = view.session(s.Name(*param.span, param.name), function.scope)
        if session is not None and session.kind == "sync":
            return param, Confidence.LOW if session.by_name else Confidence.HIGH
    return None


def _operation(project: Project, function: Function) -> tuple[s.Node, Confidence] | None:
    """The first operation on a sync session, engine or connection in the route itself."""
    for site in project.calls(function):
        if patterns.is_sync_operation(site):
            return site.node, Confidence.LOW if site.heuristic else Confidence.HIGH
    return None
