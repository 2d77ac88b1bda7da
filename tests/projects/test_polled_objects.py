"""Objects that others change while a function waits: other sessions, other processes.

A sync session reads them anew after each commit. Executed before and after.
"""

from __future__ import annotations

from pathlib import Path

from migrate_async.config import Settings
from migrate_async.model.plan import Step
from migrate_async.model.selection import EVERYTHING
from migrate_async.plan.planner import make_plan
from support.http_sequence import replay
from support.migration import tree
from support.projects import project
from support.route_by_route import migrate

_APPLICATION = '''\
import os
import time

from fastapi import Depends, FastAPI
from sqlalchemy import Column, Integer, String, create_engine
from sqlalchemy.orm import Session, declarative_base, sessionmaker

engine = create_engine(os.environ["DATABASE_URL"])
SessionLocal = sessionmaker(engine)
Base = declarative_base()
app = FastAPI()


class Job(Base):
    __tablename__ = "jobs"
    id = Column(Integer, primary_key=True)
    state = Column(String, default="new")
    turns = Column(Integer, default=0)


def get_db():
    with SessionLocal() as db:
        yield db


@app.on_event("startup")
def fill():
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    with SessionLocal() as db:
        db.add_all([Job() for _ in range(20)])
        db.commit()


def advance(job_id: int):
    """What another process does."""
    with SessionLocal() as other:
        job = other.get(Job, job_id)
        job.turns += 1
        if job.turns == 3:
            job.state = "done"
        other.commit()


@app.get("/while")
def in_the_condition(db: Session = Depends(get_db)):
    job = db.get(Job, 1)
    turns = 0
    while job.state != "done" and turns < 6:
        turns += 1
        db.commit()
        advance(1)
    return turns


@app.get("/for")
def in_a_loop_that_returns(db: Session = Depends(get_db)):
    job = db.get(Job, 2)
    for turn in range(6):
        if job.state == "done":
            return turn
        db.commit()
        advance(2)
    return "never"


@app.get("/endless")
def in_a_loop_that_breaks(db: Session = Depends(get_db)):
    job = db.get(Job, 3)
    turns = 0
    while True:
        db.commit()
        advance(3)
        turns += 1
        if job.state == "done" or turns > 6:
            break
    return turns


@app.get("/continued")
def in_a_loop_that_continues(db: Session = Depends(get_db)):
    job = db.get(Job, 4)
    for turn in range(6):
        db.commit()
        advance(4)
        if job.state != "done":
            continue
        return turn
    return "never"


@app.get("/expired")
def expired_in_turn(db: Session = Depends(get_db)):
    job = db.get(Job, 5)
    turns = 0
    while job.state != "done" and turns < 6:
        turns += 1
        db.commit()
        advance(5)
        db.expire_all()
    return turns


@app.get("/rolled-back")
def rolled_back_in_turn(db: Session = Depends(get_db)):
    job = db.get(Job, 6)
    turns = 0
    while job.state != "done" and turns < 6:
        turns += 1
        advance(6)
        db.rollback()
    return turns


def finished(job: Job) -> bool:
    return job.state == "done"


def wait_for(db: Session, job: Job) -> int:
    number, turns = job.id, 0
    while not finished(job) and turns < 6:
        turns += 1
        db.commit()
        advance(number)
    return turns


@app.get("/helper")
def by_a_helper(db: Session = Depends(get_db)):
    return wait_for(db, db.get(Job, 7))


@app.get("/key-first")
def reads_the_key_first(db: Session = Depends(get_db)):
    job = db.get(Job, 8)
    turns = 0
    while job.state != "done" and turns < 6:
        turns += 1
        db.commit()
        advance(job.id)
    return turns


@app.get("/meanwhile")
def meanwhile(db: Session = Depends(get_db)):
    job = db.get(Job, 9)
    db.commit()
    advance(9)
    return job.turns


@app.get("/before")
def before_the_commit(db: Session = Depends(get_db)):
    job = db.get(Job, 10)
    advance(10)
    held = job.turns
    db.commit()
    return [held, job.turns]


@app.get("/read-before")
def read_before_it_changes(db: Session = Depends(get_db)):
    job = db.get(Job, 11)
    db.commit()
    held = job.turns
    advance(11)
    return [held, job.turns]


@app.get("/unsaved")
def not_saved_yet(db: Session = Depends(get_db)):
    job = db.get(Job, 12)
    job.state = "mine"
    advance(13)
    db.commit()
    return job.state


@app.get("/unsaved-read")
def read_while_not_saved(db: Session = Depends(get_db)):
    job = db.get(Job, 14)
    job.state = "mine"
    advance(15)
    held = job.state
    db.rollback()
    return [held, job.state]


@app.get("/savepoint")
def to_a_savepoint(db: Session = Depends(get_db)):
    job = db.get(Job, 16)
    job.turns = 7
    point = db.begin_nested()
    job.turns = 8
    db.flush()
    point.rollback()
    held = job.turns
    db.commit()
    return [held, job.turns]


def undo(db: Session) -> bool:
    db.rollback()
    return True


@app.get("/in-a-list")
def undone_in_a_list(db: Session = Depends(get_db)):
    job = db.get(Job, 17)
    found = [undo(db), job]
    return [found[0], found[1].state]
'''

_REQUESTS = [
    {"method": "GET", "path": line.split('"')[1]}
    for line in _APPLICATION.splitlines()
    if line.startswith("@app.get")
]


def _write(folder: Path, text: str = _APPLICATION) -> Path:
    folder.mkdir()
    (folder / "main.py").write_text(text, encoding="utf-8")
    return folder


def test_they_are_seen_as_late_as_before(tmp_path: Path) -> None:
    before = replay(_write(tmp_path / "before"), _REQUESTS, app="main:app")
    assert [answer["json"] for answer in before[:4]] == [3, 3, 3, 2]
    folder = _write(tmp_path / "after")
    migrate(folder, EVERYTHING)
    after = replay(folder, _REQUESTS, app="main:app")
    for request, old, new in zip(_REQUESTS, before, after, strict=True):
        assert new == old, request["path"]
    done = tree(folder)
    migrate(folder, EVERYTHING)
    assert tree(folder) == done


def test_a_factory_that_keeps_its_objects(tmp_path: Path) -> None:
    """With `expire_on_commit=False` nobody sees what others change."""
    keeping = "sessionmaker(engine, expire_on_commit=False)"
    text = _APPLICATION.replace("sessionmaker(engine)", keeping)
    folder = _write(tmp_path / "app", text)
    requests = [{"method": "GET", "path": path} for path in ("/while", "/for", "/meanwhile")]
    expected = replay(folder, requests, app="main:app")
    assert [answer["json"] for answer in expected] == [6, "never", 0]
    migrate(folder, EVERYTHING)
    assert replay(folder, requests, app="main:app") == expected


def test_the_objects_of_a_loop_are_no_polls(tmp_path: Path) -> None:
    route = """

@app.get("/all")
def all_of_them(db: Session = Depends(get_db)):
    for job in db.query(Job).all():
        if job.state == "done":
            continue
        db.commit()
        print(job.turns)
"""
    folder = _write(tmp_path / "app", _APPLICATION + route)
    migrate(folder, EVERYTHING)
    text = (folder / "main.py").read_text(encoding="utf-8")
    assert "await db.refresh" not in text.partition("async def all_of_them")[2]


def test_what_a_statement_returns_that_rolls_back_is_told() -> None:
    route = """

@app.get("/told")
def told(db: Session = Depends(get_db)):
    job = db.get(Job, 17)
    return {"done": undo(db), "job": job}
"""
    found = make_plan(project({"main.py": _APPLICATION + route}), Step.ALL, Settings()).diagnostics
    said = [item for item in found if item.code == "MA507"]
    assert [item.line > _APPLICATION.count("\n") for item in said] == [True]
    assert "`job`" in said[0].message
