"""Sessions that go to code which nobody can read: whoever hands one over keeps a sync one."""

from __future__ import annotations

import pytest

from migrate_async.config import Settings
from migrate_async.model.plan import Step
from migrate_async.plan.planner import make_plan
from support.projects import project

HEAD = """
import contextlib
import logging
from dataclasses import dataclass
from typing import Protocol

import thirdparty
from fastapi import BackgroundTasks, Depends, FastAPI
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.orm import Session, relationship, sessionmaker

app = FastAPI()
SessionLocal = sessionmaker(bind=create_engine("sqlite:///app.db"))


def get_db():
    with SessionLocal() as db:
        yield db


@dataclass
class Box:
    db: Session


class Plugin:
    instance = None


class Counter(Protocol):
    def __call__(self, db: Session) -> int: ...


def count(db: Session) -> int:
    return db.scalar(text("SELECT 1"))


COUNTERS: dict[str, Counter] = {"count": count}


"""


def verdict(body: str, parameters: str = "db: Session = Depends(get_db)") -> tuple[str, str]:
    """What becomes of the route with `body`, and the code of the first reason."""
    code = f'{HEAD}@app.get("/")\ndef route({parameters}):\n    {body}\n'
    plan = make_plan(project({"main.py": code}), Step.ALL, Settings())
    found = [item for item in plan.functions if item.function == "main.route"]
    return (found[0].verdict, found[0].reasons[0].code) if found else ("", "")


@pytest.mark.parametrize(
    "body",
    [
        "return thirdparty.load(db)",
        "return thirdparty.Loader().load(session=db)",
        "return thirdparty.load(db), db.scalar(text('SELECT 1'))",
        "return Plugin().instance.load(db)",
        "return COUNTERS['count'](db)",
    ],
)
def test_a_session_handed_to_unknown_code_stays_sync(body: str) -> None:
    assert verdict(body) == ("keep", "unresolved")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return hasattr(db, 'x'), db.scalar(text('SELECT 1'))", "convert"),
        ("logging.info('%s', db); db.commit()", "convert"),
        ("seen = []; seen.append(db); db.commit()", "convert"),
        ("return Box(db)", ""),
        ("return thirdparty.load(1)", ""),
    ],
)
def test_what_does_no_work_on_it_is_no_obstacle(body: str, expected: str) -> None:
    assert verdict(body)[0] == expected


def test_what_is_a_session_by_its_name_only_is_believed_to_be_none() -> None:
    """`session` may be one of `requests`, or of a web framework."""
    assert verdict("return thirdparty.load(session)", "session") == ("", "")


def test_each_unresolved_call_that_gets_a_session_is_in_the_report() -> None:
    """Also the second in one function, and those of functions that stay sync anyway."""
    text = """
from sqlalchemy.orm import Session


def export(exporter, other, db: Session):
    exporter.run(db)
    other.run(session=db)


def known(db: Session):
    db.commit()


def fine(db: Session):
    known(db)
"""
    found = make_plan(project({"app.py": text}), Step.ALL, Settings())
    told = [(item.line, item.severity) for item in found.diagnostics if item.code == "MA203"]
    assert told == [(6, "note"), (7, "note")]
