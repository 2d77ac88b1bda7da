"""Answers that were empty, because a commit had expired their object."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.config import Settings
from migrate_async.model.plan import Step
from migrate_async.model.selection import EVERYTHING
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
    db.add(user)
{body}
"""
_COMMIT = "    db.commit()\n    return user"
_SAID = "the answer shows nothing of `user`, which the commit expires"


def _of(body: str, *, model: str = "", options: str = "") -> str:
    return _SOURCE.format(body=body, model=model, options=options)


@pytest.mark.parametrize(
    "source",
    [
        _of(_COMMIT),
        _of("    db.commit()\n    return {'user': user, 'count': 1}"),
        _of("    made = create(db, 'bob')\n    return made"),
        _of("    return [create(db, 'bob')]"),
    ],
    ids=["itself", "in a dict", "of a helper", "in a list"],
)
def test_they_are_told_and_show_the_object_now(source: str, tmp_path: Path) -> None:
    plan = make_plan(project({"main.py": source}), Step.ALL, Settings(), EVERYTHING)
    assert [found.message.partition(";")[0] for found in plan.diagnostics if found.code == "MA507"]
    assert any(_SAID in found.message for found in plan.diagnostics)
    answers = []
    for name, text in (("before", source), ("after", rewrite_text(plan.files[0], source, 100))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "main.py").write_text(text, "utf-8")
        request = {"method": "POST", "path": "/users"}
        answers += replay(tmp_path / name, [request], app="main:app")
    before, after = (str(answer["json"]) for answer in answers)
    assert "{}" in before
    assert "name" in after


@pytest.mark.parametrize(
    "source",
    [
        _of("    db.commit()\n    db.refresh(user)\n    return user"),
        _of("    db.commit()\n    print(user.id)\n    return user"),
        _of(_COMMIT, model=", response_model=Shown"),
        _of(_COMMIT, options=", expire_on_commit=False"),
        _of("    db.commit()\n    return {'id': user.id}"),
        _of("    made = create(db, 'bob')\n    print(made.id)\n    return made"),
    ],
    ids=["refreshed", "read", "response model", "kept", "column", "read of a helper"],
)
def test_others_are_not(source: str) -> None:
    plan = make_plan(project({"main.py": source}), Step.ALL, Settings(), EVERYTHING)
    assert not any(_SAID in found.message for found in plan.diagnostics)
