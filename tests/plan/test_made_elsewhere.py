"""Sessions that a package makes: all that get one stay sync."""

from __future__ import annotations

import pytest

from migrate_async.config import Settings
from migrate_async.model.plan import Plan, Step
from migrate_async.plan.planner import make_plan
from support.projects import project

_APP = """\
from contextlib import contextmanager
from functools import lru_cache
from typing import Iterator

from fastapi import Depends, FastAPI
from fastapi_utils.session import FastAPISessionMaker
from sqlalchemy import Column, Integer, create_engine
from sqlalchemy.orm import Session, declarative_base, sessionmaker

app = FastAPI()
Base = declarative_base()
engine = create_engine("sqlite:///own.db")
SessionLocal = sessionmaker(bind=engine)


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)


class Maker(FastAPISessionMaker):
    @contextmanager
    def entered(self) -> Iterator[Session]:
        yield from self.get_db()


@lru_cache()
def maker() -> Maker:
    return Maker("sqlite:///x.db")


def own_db():
    with SessionLocal() as db:
        yield db


GET


@app.get("/own")
def own(db: Session = Depends(own_db)):
    return db.query(User).count()
"""
_DEPENDENCY = """

@app.get("/users")
def users(db: Session = Depends(get_db)):
    return db.query(User).count()
"""
_FOREIGN = {
    "handed on": "def get_db() -> Iterator[Session]:\n    yield from maker().get_db()\n",
    "entered": "def get_db() -> Iterator[Session]:\n"
    "    with FastAPISessionMaker('').context_session() as db:\n        yield db\n",
    "called": "def get_db() -> Iterator[Session]:\n"
    "    db = FastAPISessionMaker('').session()\n    yield db\n",
    "returned": "def get_db() -> Session:\n    return FastAPISessionMaker('').session()\n",
}


def _plan(code: str) -> Plan:
    return make_plan(project({"app.py": _APP.replace("GET\n", code)}), Step.ALL, Settings())


def _converted(plan: Plan) -> set[str]:
    return {item.function for item in plan.functions if item.verdict == "convert"}


@pytest.mark.parametrize("case", _FOREIGN)
def test_who_gets_one_from_fastapi_stays_sync(case: str) -> None:
    plan = _plan(f"{_FOREIGN[case]}{_DEPENDENCY}")
    assert _converted(plan) == {"app.own_db", "app.own"}
    kept = {item.function: item.reasons[0] for item in plan.functions if item.verdict == "keep"}
    assert "app.users" in kept
    assert "its session comes from app.get_db, which stays sync" in kept["app.users"].text
    [message] = [item.message for item in plan.diagnostics if item.code == "MA205"]
    assert "a package makes the session of" in message


def test_who_enters_one_stays_sync() -> None:
    plan = _plan(
        "@app.get('/users')\ndef users():\n"
        "    with maker().entered() as db:\n        return db.query(User).count()\n"
    )
    assert _converted(plan) == {"app.own_db", "app.own"}
    codes = [getattr(edit, "code", "") for file in plan.files for edit in file.edits]
    assert "AsyncSession" in codes
    assert not [code for code in codes if "Iterator" in code]
    [kept] = [item for item in plan.functions if item.function == "app.users"]
    assert kept.reasons[0].code == "foreign-session"


def test_a_generator_of_the_project_is_none_of_them() -> None:
    plan = _plan(f"def get_db() -> Iterator[Session]:\n    yield from own_db()\n{_DEPENDENCY}")
    assert "a package makes" not in " ".join(item.message for item in plan.diagnostics)
