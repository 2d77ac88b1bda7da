"""Queries that begin with a session of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from migrate_async.config import Settings
from migrate_async.model.plan import Step
from migrate_async.model.selection import EVERYTHING, Selection
from migrate_async.plan.planner import make_plan
from migrate_async.rewrite.engine import rewrite_text
from support.http_sequence import replay
from support.projects import project

DATABASE = """
import os

from sqlalchemy import Column, Integer, String, create_engine
from sqlalchemy.orm import declarative_base, sessionmaker

engine = create_engine(os.environ["DATABASE_URL"])
SessionLocal = sessionmaker(bind=engine)
Base = declarative_base()


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(String)


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
"""

MAIN = """
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

from app import database
from app.database import Base, SessionLocal, User, engine, get_db

app = FastAPI()


class Users:
    def __len__(self):
        return next(get_db()).query(User).count()

    def __bool__(self):
        return SessionLocal().query(User).first() is not None

    def __int__(self):
        return database.SessionLocal().query(User).count()

    def __repr__(self):
        return repr([user.name for user in Session(bind=engine).query(User).order_by(User.id)])


@app.on_event("startup")
def create():
    Base.metadata.create_all(engine)


@app.get("/kept")
def kept(name: str):
    SessionLocal().query(User).filter(User.name == "x").first()
    users = Users()
    return [len(users), bool(users), int(users), repr(users)]


@app.get("/one")
def one(name: str, db: Session = Depends(get_db)):
    db.add(User(name=name))
    db.commit()
    first = next(get_db()).query(User).order_by(User.id).first()
    return [first.name, SessionLocal().query(User).count()]


@app.get("/two")
def two(name: str):
    found = database.SessionLocal().query(User).filter(User.name == name).all()
    return [len(found), Session(engine).query(User).count()]
"""

FILES = {"app/__init__.py": "", "app/database.py": DATABASE, "app/main.py": MAIN}
REQUESTS: list[dict[str, Any]] = [
    {"method": "GET", "path": path}
    for path in ("/kept?name=a", "/one?name=a", "/one?name=b", "/two?name=b", "/kept?name=a")
]


def migrated(files: dict[str, str], selection: Selection) -> dict[str, str]:
    plan = make_plan(project(files), Step.ALL, Settings(), selection)
    changed = {file.path: file for file in plan.files}
    return {
        path: rewrite_text(changed[path], text, 100) if path in changed else text
        for path, text in files.items()
    }


def answers(files: dict[str, str], folder: Path) -> list[dict[str, Any]]:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    found = replay(folder, REQUESTS, app="app.main:app")
    assert {answer["status"] for answer in found} == {200}
    return found


def test_they_begin_with_what_the_session_becomes(tmp_path: Path) -> None:
    """In coroutines and in what stays sync, in one run and in several."""
    legacy = answers(FILES, tmp_path / "legacy")
    halfway = migrated(FILES, Selection(routes=("GET /one",)))
    assert answers(halfway, tmp_path / "halfway") == legacy
    done = migrated(halfway, EVERYTHING)
    assert answers(done, tmp_path / "done") == legacy
    assert done == migrated(FILES, EVERYTHING)
    assert migrated(done, EVERYTHING) == done
