"""Answers that were empty, because a commit had expired their object."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.config import Settings
from migrate_async.model.plan import Step
from migrate_async.model.selection import EVERYTHING, Selection
from migrate_async.plan.planner import make_plan
from migrate_async.rewrite.engine import rewrite_text
from support.http_sequence import replay
from support.projects import project

_SOURCE = """\
import os

from fastapi import Depends, FastAPI
from pydantic import BaseModel
from sqlalchemy import Column, Integer, String, create_engine
from sqlalchemy.orm import Session, declarative_base, sessionmaker

engine = create_engine(os.environ["DATABASE_URL"])
SessionLocal = sessionmaker(bind=engine{options})
Base = declarative_base()
app = FastAPI()


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(String)


class Shown(BaseModel):
    id: int
    model_config = {{"from_attributes": True}}


Base.metadata.create_all(engine)


def get_db():
    with SessionLocal() as db:
        yield db


def create(db: Session, name: str):
    user = User(name=name)
    db.add(user)
    db.commit()
    return user


@app.post("/users"{model})
def post(db: Session = Depends(get_db)):
    user = User(name="ada")
{add}{body}
"""
_COMMIT = "    db.commit()\n    return user"
_SAID = "which the commit expires"


def _of(body: str, *, model: str = "", options: str = "", added: bool = True) -> str:
    add = "    db.add(user)\n" * added
    return _SOURCE.format(body=body, model=model, options=options, add=add)


@pytest.mark.parametrize(
    "source",
    [
        _of("    made = create(db, 'bob')\n    return made"),
        _of("    db.add_all([user])\n    db.commit()\n    return user", added=False),
        _of(f"    session = db\n{_COMMIT.replace('db.', 'session.')}"),
        _of(f"    user = db.merge(User(name='bob'))\n{_COMMIT}"),
        _of(
            "    db.commit()\n    if db:\n        return user\n    print(user.id)\n    return user"
        ),
        _of("    for _ in 'ab':\n        db.commit()\n    return user"),
        _of(_COMMIT) + "\n\ndef number(db: Session):\n    user = post(db)\n    return user.id\n",
    ],
    ids=[
        *("of a helper", "added otherwise", "by another name", "bound twice"),
        *("read on another way", "in a loop", "called by others"),
    ],
)
def test_they_are_told_and_show_the_object_now(source: str, tmp_path: Path) -> None:
    before, after = _answers(source, tmp_path)
    assert "{}" in before
    assert "name" in after


@pytest.mark.parametrize(
    "source",
    [
        _of(_COMMIT),
        _of("    db.commit()\n    return {'user': user, 'count': 1}"),
        _of("    return [create(db, 'bob')]"),
        _of("    if user.name:\n        db.commit()\n    return user"),
        _of("    try:\n        db.commit()\n    finally:\n        pass\n    return user"),
        _of(
            "    db.commit()\n    found = db.query(User).first()\n    found.name = 'bob'\n"
            "    db.commit()\n    return found"
        ),
    ],
    ids=["itself", "in a dict", "of a helper in a list", "perhaps", "tried", "queried"],
)
def test_what_is_surely_of_the_session_is_expired_again(source: str, tmp_path: Path) -> None:
    before, after = _answers(source, tmp_path)
    assert "{}" in before
    assert after == before


def test_what_leaves_the_session_is_not_expired(tmp_path: Path) -> None:
    """An object that is deleted belongs to no session after the commit, and shows what it has."""
    source = _of("    db.flush()\n    db.delete(user)\n    db.commit()\n    return user")
    before, after = _answers(source, tmp_path, is_told=False)
    assert "ada" in before
    assert after == before


def test_routes_that_wait_are_told() -> None:
    """The commit of a sync side reads the objects anew: the answer is another one meanwhile."""
    source = _of(_COMMIT) + "\n\n@app.get('/users')\ndef count(db: Session = Depends(get_db)):\n"
    source += "    return db.query(User).count()\n"
    chosen = Selection(routes=("GET /users",))
    plan = make_plan(project({"main.py": source}), Step.ALL, Settings(), chosen)
    said = [found.message for found in plan.diagnostics if found.code == "MA507"]
    assert [message.partition("; ")[2] for message in said] == [
        "until the route migrates it shows what the object has"
    ]
    assert "expire(" not in rewrite_text(plan.files[0], source, 100)


def _answers(source: str, folder: Path, *, is_told: bool = True) -> tuple[str, str]:
    """What the route answers before and after, of which an empty answer is told."""
    plan = make_plan(project({"main.py": source}), Step.ALL, Settings(), EVERYTHING)
    said = [found.message for found in plan.diagnostics if found.code == "MA507"]
    assert any(_SAID in message for message in said) is is_told
    answers = []
    for name, text in (("before", source), ("after", rewrite_text(plan.files[0], source, 100))):
        (folder / name).mkdir()
        (folder / name / "main.py").write_text(text, "utf-8")
        request = {"method": "POST", "path": "/users"}
        answers += replay(folder / name, [request], app="main:app")
    before, after = (str(answer["json"]) for answer in answers)
    return before, after


@pytest.mark.parametrize(
    "source",
    [
        _of("    db.commit()\n    db.refresh(user)\n    return user"),
        _of("    db.commit()\n    print(user.id)\n    return user"),
        _of(_COMMIT, model=", response_model=Shown"),
        _of(_COMMIT, options=", expire_on_commit=False"),
        _of("    db.commit()\n    return {'id': user.id}"),
        _of("    db.commit()\n    return {'user': user, 'id': user.id}"),
        _of("    made = create(db, 'bob')\n    print(made.id)\n    return made"),
    ],
    ids=["refreshed", "read", "response model", "kept", "column", "beside", "read of a helper"],
)
def test_others_are_not(source: str) -> None:
    plan = make_plan(project({"main.py": source}), Step.ALL, Settings(), EVERYTHING)
    assert not any(_SAID in found.message for found in plan.diagnostics)
