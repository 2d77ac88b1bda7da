"""Sessions that code puts where nobody can follow them stay sync, and so does who gets them."""

from __future__ import annotations

import pytest

from migrate_async.config import Settings
from migrate_async.model.plan import Step
from migrate_async.plan.planner import make_plan
from migrate_async.rewrite.engine import rewrite_text
from support.projects import project

HEAD = """
import threading
from fastapi import Depends, FastAPI
from sqlalchemy import Column, Integer, create_engine, text
from sqlalchemy.orm import Session, declarative_base, sessionmaker

SessionLocal = sessionmaker(create_engine("sqlite:///x.db"))
app = FastAPI()
local = threading.local()
SESSIONS = {}


class Box:
    pass


def get_db():
    with SessionLocal() as db:
        yield db


@app.get("/other")
def other(db: Session = Depends(get_db)):
    return db.scalar(text("SELECT 1"))


def current():
    if getattr(local, "session", None) is None:
        local.session = SessionLocal()
    return local.session


def of_thread():
    key = threading.get_ident()
    if key not in SESSIONS:
        SESSIONS[key] = SessionLocal()
    return SESSIONS[key]


@app.get("/")
"""


def migrated(route: str) -> tuple[str, dict[str, str]]:
    """The text after a run, and the verdicts."""
    text = f"{HEAD}{route}\n"
    plan = make_plan(project({"app.py": text}), Step.ALL, Settings(), digests={})
    (file,) = plan.files
    done = rewrite_text(file, text)
    again = make_plan(project({"app.py": done}), Step.ALL, Settings(), digests={})
    assert not [edit for other in again.files for edit in other.edits]
    return done, {item.function: item.verdict for item in plan.functions}


@pytest.mark.parametrize("name", ["current", "of_thread"])
def test_whoever_asks_for_one_stays_sync(name: str) -> None:
    route = f"def route():\n    return {name}().scalar(text('SELECT 1'))"
    text, verdicts = migrated(route)
    assert text.endswith(f"{route}\n")
    assert "local.session = SyncSessionLocal()" in text
    assert "SESSIONS[key] = SyncSessionLocal()" in text
    assert verdicts["app.other"] == "convert"
    assert verdicts["app.current"] == verdicts["app.of_thread"] == "keep"


def test_in_an_object_that_nobody_knows() -> None:
    text, verdicts = migrated(
        "def route(box, db: Session = Depends(get_db)):\n"
        "    box.db = db\n    return db.scalar(text('SELECT 1'))"
    )
    assert verdicts["app.route"] == "keep"
    assert "def route(box, db: Session = Depends(get_sync_db))" in text


def test_in_one_that_is_known() -> None:
    _, verdicts = migrated(
        "def route(db: Session = Depends(get_db)):\n"
        "    box = Box()\n    box.db = db\n    return db.scalar(text('SELECT 1'))"
    )
    assert verdicts["app.route"] == "convert"


@pytest.mark.parametrize("line", ["local.user = 1", "local.calls += 1", "remember(1)"])
def test_variables_of_threads(line: str) -> None:
    """A coroutine would set them for all that run beside it."""
    text, verdicts = migrated(
        f"def route(db: Session = Depends(get_db)):\n    {line}\n"
        "    return db.scalar(text('SELECT 1')), local.user\n\n\n"
        "def remember(user):\n    local.user = user"
    )
    assert verdicts["app.route"] == "keep"
    assert "def route(db: Session = Depends(get_sync_db))" in text


def test_variables_of_threads_that_are_read() -> None:
    _, verdicts = migrated(
        "def route(db: Session = Depends(get_db)):\n"
        "    return db.scalar(text('SELECT 1')), local.limit"
    )
    assert verdicts["app.route"] == "convert"
