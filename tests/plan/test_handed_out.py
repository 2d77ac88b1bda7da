"""Sessions that go to a library in what a dependency gives it, as GraphQL libraries have it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from migrate_async.config import Settings
from migrate_async.model.plan import Plan, Step
from migrate_async.model.selection import EVERYTHING
from migrate_async.plan.planner import make_plan
from migrate_async.rewrite.engine import rewrite_text
from support.http_sequence import replay
from support.projects import project

LIBRARY = """
import inspect

from fastapi import APIRouter, Depends

FIELDS = {}


def field(function):
    FIELDS[function.__name__] = function
    return function


class GraphRouter(APIRouter):
    def __init__(self, context_getter):
        super().__init__()

        @self.get("/graph/{name}")
        async def run(name: str, context=Depends(context_getter)):
            found = FIELDS[name](context)
            found = await found if inspect.isawaitable(found) else found
            return found if isinstance(found, int) else [row.name for row in found]
"""

MAIN = """
import os

from fastapi import Depends, FastAPI
from graph import GraphRouter, field
from sqlalchemy import Column, Integer, String, create_engine
from sqlalchemy.orm import Session, declarative_base, sessionmaker

engine = create_engine(os.environ["DATABASE_URL"])
SessionLocal = sessionmaker(bind=engine)
Base = declarative_base()
app = FastAPI()


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(String)


Base.metadata.create_all(engine)


async def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


def get_own_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


async def get_context(db=Depends(get_db)):
    return {"db": db, "user": "ada"}


@field
def users(context):
    db: Session = context["db"]
    return db.query(User).order_by(User.id)


@field
def count(context):
    db: Session = context["db"]
    return db.query(User).count()


@field
async def add(context):
    db: Session = context["db"]
    db.add(User(name=context["user"]))
    db.commit()
    return db.query(User).count()


app.include_router(GraphRouter(context_getter=get_context))


@app.get("/users")
def read(db: Session = Depends(get_own_db)):
    return [user.name for user in db.query(User)]
"""

REQUESTS: list[dict[str, Any]] = [
    {"method": "GET", "path": path}
    for path in ("/graph/add", "/graph/users", "/graph/count", "/users")
]


def plan(text: str) -> Plan:
    return make_plan(project({"main.py": text}), Step.ALL, Settings(), EVERYTHING)


def answers(text: str, folder: Path) -> list[dict[str, Any]]:
    folder.mkdir()
    (folder / "main.py").write_text(text, "utf-8")
    (folder / "graph.py").write_text(LIBRARY, "utf-8")
    found = replay(folder, REQUESTS, app="main:app")
    assert {answer["status"] for answer in found} == {200}
    return found


def test_their_source_stays_sync_with_whoever_may_have_one(tmp_path: Path) -> None:
    found = plan(MAIN)
    done = rewrite_text(found.files[0], MAIN, 100)
    assert answers(done, tmp_path / "after") == answers(MAIN, tmp_path / "before")
    assert "return db.query(User).order_by(User.id)" in done, "the library iterates it"
    assert "async def read(db: AsyncSession" in done, "another source converts"
    told = [message.message for message in found.diagnostics if message.code == "MA205"]
    assert len(told) == 1
    assert told[0].startswith("main.get_db stays sync: main.get_context puts its session into")
    assert not plan(done).files, "a second run changes nothing"


def test_what_fastapi_alone_is_given_converts() -> None:
    """A dict of a dependency, which routes take apart."""
    text = MAIN.replace("app.include_router(GraphRouter(context_getter=get_context))\n", "")
    assert not any(message.code == "MA205" for message in plan(text).diagnostics)
