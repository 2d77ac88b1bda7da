"""A `scoped_session` that a function puts into a variable of its module, for all others."""

from __future__ import annotations

from pathlib import Path

from migrate_async.config import Settings
from migrate_async.model.plan import Step
from migrate_async.model.selection import EVERYTHING
from migrate_async.plan.planner import make_plan
from migrate_async.rewrite.engine import rewrite_text
from support.http_sequence import replay
from support.projects import project

_MAIN = """\
import os

from fastapi import FastAPI
from sqlalchemy import Column, Integer, String, create_engine
from sqlalchemy.orm import Session, declarative_base, scoped_session, sessionmaker

SESSION: Session | None = None
ENGINE = None
Base = declarative_base()
app = FastAPI()


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(String)


def initialize(url: str) -> None:
    global SESSION, ENGINE
    ENGINE = create_engine(url)
    factory = sessionmaker(ENGINE)
    SESSION = scoped_session(factory)


def get_session() -> Session:
    return SESSION


class Service:
    def add(self, name: str) -> int:
        session = get_session()
        session.add(User(name=name))
        session.commit()
        return get_session().query(User).count()


@app.on_event("startup")
def start():
    initialize(os.environ["DATABASE_URL"])
    Base.metadata.create_all(ENGINE)


@app.post("/users")
def post():
    return Service().add("ada")
"""


def test_its_engine_and_factory_stay_sync_with_it(tmp_path: Path) -> None:
    plan = make_plan(project({"main.py": _MAIN}), Step.ALL, Settings(), EVERYTHING)
    done = rewrite_text(plan.files[0], _MAIN, 100)
    assert "async_sessionmaker" not in done
    assert "async_engine" not in done
    requests = [{"method": "POST", "path": "/users"}] * 2
    answers = []
    for name, text in (("before", _MAIN), ("after", done)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "main.py").write_text(text, "utf-8")
        answers.append(replay(tmp_path / name, requests, app="main:app"))
    assert answers[0] == answers[1]
    assert [answer["status"] for answer in answers[0]] == [200, 200]
