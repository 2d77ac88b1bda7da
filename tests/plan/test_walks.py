"""Code that walks over the relationships of objects, and what only looks like it."""

from __future__ import annotations

import pytest

from migrate_async.config import Settings
from migrate_async.model.plan import Plan, Step
from migrate_async.plan.planner import make_plan
from support.projects import project

_APPLICATION = """\
from fastapi import Depends, FastAPI
from sqlalchemy import Column, ForeignKey, Integer, String, create_engine, inspect
from sqlalchemy.orm import Session, declarative_base, relationship, selectinload, sessionmaker

SessionLocal = sessionmaker(bind=create_engine("sqlite://"))
Base = declarative_base()
app = FastAPI()


class Team(Base):
    __tablename__ = "teams"
    id = Column(Integer, primary_key=True)
    name = Column(String)
    members = relationship("Member", back_populates="team")
    shown = ["id", "name"]


class Member(Base):
    __tablename__ = "members"
    id = Column(Integer, primary_key=True)
    team_id = Column(ForeignKey("teams.id"))
    team = relationship(Team, back_populates="members")


def get_db():
    with SessionLocal() as db:
        yield db


{helper}


@app.get("/teams/{{id}}")
def read(id: int, name: str, db: Session = Depends(get_db)):
    return show({call})
"""


_KEYS = "def keys(m):\n    return [r.key for r in m.relationships]\n\n\n"


def _plan(helper: str, call: str) -> Plan:
    files = {"main.py": _APPLICATION.format(helper=helper, call=call)}
    return make_plan(project(files), Step.ALL, Settings())


def _verdict(found: Plan) -> str:
    verdicts = [item.verdict for item in found.functions if item.function == "main.show"]
    return verdicts[0] if verdicts else ""


@pytest.mark.parametrize(
    "helper",
    [
        "def show(x):\n    for r in inspect(type(x)).relationships:\n        getattr(x, r.key)",
        "def show(x):\n    return [getattr(x, k) for k in x.__mapper__.relationships.keys() if k]",
        "def show(x):\n    return [getattr(x, p.key) for p in inspect(x).mapper.attrs if p.key]",
        _KEYS + "def show(x):\n    return [getattr(x, key) for key in keys(inspect(type(x)))]",
    ],
)
def test_what_walks_over_relationships_becomes_a_coroutine(helper: str) -> None:
    assert _verdict(_plan(helper, "db.get(Team, id)")) == "convert"


def test_names_that_callers_give() -> None:
    helper = "def show(x, names):\n    return [getattr(x, name) for name in names]"
    assert _verdict(_plan(helper, 'db.get(Team, id), ["id", "members"]')) == "convert"
    assert _verdict(_plan(helper, 'db.get(Team, id), ["id", "name"]')) == ""
    assert _verdict(_plan(helper, "db.get(Team, id), Team.shown")) == ""


@pytest.mark.parametrize(
    ("helper", "call"),
    [
        ("def show(x):\n    return [getattr(x, c.key) for c in x.__table__.columns]", "Team()"),
        (
            "def show(m):\n    return [print(getattr(m, r.key)) for r in inspect(m).relationships]",
            "Team",
        ),
        ("def show(m):\n    return [getattr(m, r.key) for r in m.relationships]", "print(name)"),
    ],
)
def test_columns_and_classes_are_none_of_it(helper: str, call: str) -> None:
    found = _plan(helper, call)
    assert _verdict(found) == ""
    assert "MA507" not in [item.code for item in found.diagnostics]


def test_a_name_of_which_nothing_is_known_is_told() -> None:
    found = _plan("def show(x, name):\n    return getattr(x, name)", "db.get(Team, id), name")
    told = [item.message for item in found.diagnostics if item.code == "MA507"]
    assert len(told) == 1
    assert "relationship of a Team" in told[0]


def test_what_async_code_calls_already_stays_as_it_is() -> None:
    """All that it reads is loaded by then."""
    helper = """\
from sqlalchemy.ext.asyncio import AsyncSession


def show(x):
    return [getattr(x, r.key) for r in inspect(type(x)).relationships]


async def show_loaded(db: AsyncSession):
    return show(await db.get(Team, 1, options=[selectinload(Team.members)]))"""
    assert _verdict(_plan(helper, "db.get(Team, id)")) == ""
