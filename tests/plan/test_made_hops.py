"""Factories that a function makes and hands out, where some code stays sync."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from migrate_async.config import Settings
from migrate_async.model.plan import Plan, Step
from migrate_async.model.selection import EVERYTHING
from migrate_async.plan.planner import make_plan
from migrate_async.rewrite.engine import rewrite_text
from support.http_sequence import replay
from support.projects import project

MAIN = """
import os

from fastapi import Depends, FastAPI, Request
from sqlalchemy import Column, Integer, String, create_engine, inspect
from sqlalchemy.orm import Session, declarative_base, sessionmaker

Base = declarative_base()
app = FastAPI()


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(String)


class Users:
    def __init__(self, session: Session):
        self.session = session

    def names(self):
        return [user.name for user in self.session.query(User).order_by(User.id)]


def make_engine():
    return create_engine(os.environ["DATABASE_URL"])


def make_factory(engine=None):
    if engine is None:
        engine = make_engine()
    factory = sessionmaker(bind=engine)
    return factory


def get_factory(request: Request) -> sessionmaker[Session]:
    found = getattr(request.app.state, "factory", None)
    if found is None:
        found = request.app.state.factory = make_factory()
    return found


def get_db(request: Request):
    factory = get_factory(request)
    session = factory()
    try:
        yield session
    finally:
        session.close()


@app.on_event("startup")
def create():
    Base.metadata.create_all(create_engine(os.environ["DATABASE_URL"]))


@app.get("/names")
def names(db: Session = Depends(get_db)):
    db.add(User(name="ada"))
    db.commit()
    return Users(db).names()
"""
INIT = """

def keep(request: Request, engine):
    request.app.state.factory = make_factory(engine)


@app.get("/init")
def init(request: Request):
    engine = make_engine()
    inspector = inspect(engine)
    keep(request, engine)
    return inspector.has_table("users")
"""
PATHS = ("/names", "/names", "/init", "/names")


def plan(text: str) -> Plan:
    return make_plan(
        project({"main.py": text}), Step.ALL, Settings(keep_sync=("main.Users.names",)), EVERYTHING
    )


def answers(text: str, folder: Path) -> list[dict[str, Any]]:
    folder.mkdir()
    (folder / "main.py").write_text(text, "utf-8")
    requests = [{"method": "GET", "path": path} for path in PATHS if path in text]
    found = replay(folder, requests, app="main:app")
    assert {answer["status"] for answer in found} == {200}
    return found


def test_its_sessions_hop_for_what_stays_sync(tmp_path: Path) -> None:
    done = rewrite_text(plan(MAIN).files[0], MAIN, 100)
    assert "factory.configure(sync_session_class=HopSession)" in done
    assert "await run_in_threadpool(Users(db.sync_session).names)" in done
    assert answers(done, tmp_path / "after") == answers(MAIN, tmp_path / "before")
    assert not plan(done).files, "a second run changes nothing"


def test_it_stays_sync_where_it_is_given_a_sync_engine(tmp_path: Path) -> None:
    """What inspects an engine needs a sync one, and hands it on."""
    found = plan(MAIN + INIT)
    done = rewrite_text(found.files[0], MAIN + INIT, 100)
    assert "async_sessionmaker" not in done
    assert any(message.code == "MA205" for message in found.diagnostics)
    assert answers(done, tmp_path / "after") == answers(MAIN + INIT, tmp_path / "before")
    assert not plan(done).files, "a second run changes nothing"


INLINE = """
import os

from fastapi import BackgroundTasks, Depends, FastAPI
from {home} import Session
from sqlalchemy import Column, Integer, String, create_engine
from sqlalchemy.orm import declarative_base

engine = create_engine(os.environ["DATABASE_URL"])
Base = declarative_base()
app = FastAPI()


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(String)


class Users:
    def __init__(self, session: Session):
        self.session = session

    def names(self):
        return [user.name for user in self.session.query(User).order_by(User.id)]


def get_db():
    with Session(engine) as db:
        yield db


@app.on_event("startup")
def create():
    Base.metadata.create_all(engine)


def add(db: Session, name):
    db.add(User(name=name))
    db.commit()


@app.get("/names")
def names(db: Session = Depends(get_db)):
    add(db, "ada")
    users = Users(db)
    add(db, "bob")
    return [users.names(), Users(db).names()]
"""
COUNTED = """
class Counted(Users):
    def __init__(self, session: Session, wanted):
        super().__init__(session)
        self.count = session.query(User).filter(User.name == wanted).count()


@app.get("/init")
def count(db: Session = Depends(get_db)):
    counted = Counted(db, "ada")
    return [counted.count, counted.names()]
"""


@pytest.mark.parametrize("home", ["sqlalchemy.orm", "sqlmodel"])
def test_sessions_without_a_factory(home: str, tmp_path: Path) -> None:
    """Before, such a session was lent to a thread, where it could not work."""
    text = INLINE.replace("{home}", home)
    done = rewrite_text(plan(text).files[0], text, 100)
    assert "users = Users(sync_side(db))" in done
    assert "await run_in_threadpool(users.names)" in done
    assert answers(done, tmp_path / "after") == answers(text, tmp_path / "before")
    assert not plan(done).files, "a second run changes nothing"
    (file,) = make_plan(project({"main.py": done}), Step.ALL, Settings(), EVERYTHING).files
    later = rewrite_text(file, done, 100)
    assert "sync_side" not in later
    assert "await users.names()" in later
    assert answers(later, tmp_path / "later") == answers(text, tmp_path / "once")


@pytest.mark.parametrize("home", ["sqlalchemy.orm", "sqlmodel"])
def test_objects_that_keep_such_a_session(home: str, tmp_path: Path) -> None:
    """Before, a bridge made the object, whose methods then ran in a thread."""
    text = INLINE.replace("{home}", home) + COUNTED
    done = rewrite_text(plan(text).files[0], text, 100)
    assert 'counted = await run_in_threadpool(Counted, sync_side(db), "ada")' in done
    assert "await run_in_threadpool(counted.names)" in done
    assert answers(done, tmp_path / "after") == answers(text, tmp_path / "before")
    assert not plan(done).files, "a second run changes nothing"
