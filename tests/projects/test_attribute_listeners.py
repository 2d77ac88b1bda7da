"""Listeners of attributes that run SQL, where the attribute is set.

Executed before the migration and after it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.model.selection import EVERYTHING
from support.http_sequence import replay
from support.migration import tree
from support.route_by_route import migrate

_APP = """\
import os

from fastapi import Depends, FastAPI
from sqlalchemy import Boolean, Column, Integer, create_engine
from sqlalchemy.event import listen, listens_for
from sqlalchemy.orm import Session, declarative_base, object_session, sessionmaker

engine = create_engine(os.environ["DATABASE_URL"])
SessionLocal = sessionmaker(engine)
Base = declarative_base()
app = FastAPI()


class Plan(Base):
    __tablename__ = "plans"
    id = Column(Integer, primary_key=True)
    default = Column(Boolean, default=False)
    size = Column(Integer, default=0)


def only_one(target, value, oldvalue, initiator):
    session = object_session(target)
    if session is not None and value:
        for other in session.query(Plan).filter(Plan.default.is_(True)).all():
            if other.id != target.id:
                other.default = False


LISTENING


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


def choose(db: Session, plan: Plan):
    plan.default = True
    db.commit()
    return plan.id


def change(db: Session, plan, data: dict):
    for name, value in data.items():
        setattr(plan, name, value)
    db.commit()
    return plan.id


def resize(db: Session, plan: Plan):
    plan.size = 3
    db.commit()
    return plan.size


Base.metadata.create_all(engine)


@app.post("/plans")
def add(db: Session = Depends(get_db)):
    db.add_all([Plan(id=1), Plan(id=2, default=True), Plan(id=3)])
    db.commit()


@app.post("/plans/{number}")
def choose_one(number: int, db: Session = Depends(get_db)):
    return choose(db, db.get(Plan, number))


@app.put("/plans/{number}")
def change_one(number: int, db: Session = Depends(get_db)):
    return change(db, db.get(Plan, number), {"default": True, "size": 5})


@app.patch("/plans/{number}")
def resize_one(number: int, db: Session = Depends(get_db)):
    return resize(db, db.get(Plan, number))


@app.get("/plans")
def plans(db: Session = Depends(get_db)):
    return [[plan.id, plan.default, plan.size] for plan in db.query(Plan).order_by(Plan.id).all()]
"""
_REQUESTS = [
    {"method": method, "path": path}
    for method, path in (
        *(("POST", "/plans"), ("POST", "/plans/1"), ("GET", "/plans"), ("PUT", "/plans/3")),
        *(("GET", "/plans"), ("PATCH", "/plans/2"), ("GET", "/plans")),
    )
]


@pytest.mark.parametrize(
    "listening",
    [
        'listen(Plan.default, "set", only_one)',
        '@listens_for(Plan.default, "set")\ndef chosen(*event):\n    only_one(*event)',
    ],
)
def test_whoever_sets_the_attribute_stays_sync(listening: str, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(_APP.replace("LISTENING", listening))
    before = replay(tmp_path, _REQUESTS, app="main:app")
    assert before[2]["json"] == [[1, True, 0], [2, False, 0], [3, False, 0]]
    migrate(tmp_path, EVERYTHING)
    assert replay(tmp_path, _REQUESTS, app="main:app", driver="sqlite+aiosqlite") == before
    code = tree(tmp_path)["main.py"].decode()
    for name in ("choose", "change"):
        assert f"\ndef {name}(" in code
    assert "async def resize(" in code, "nobody listens to the size"
