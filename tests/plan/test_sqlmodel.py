"""SQLModel: its session's `exec`, its relationships, and tables as response models."""

from __future__ import annotations

import pytest

from migrate_async.config import Settings
from migrate_async.model import plan as p
from migrate_async.plan.planner import make_plan
from support.projects import project

_APP = """\
from typing import Optional
from fastapi import Depends, FastAPI
from sqlmodel import Field, Relationship, Session, SQLModel, create_engine, select

engine = create_engine("sqlite:///x.db")
app = FastAPI()
EXTRA = {"cascade": "all"}


class Team(SQLModel, table=True):
    id: Optional[int] = Field(default=None, primary_key=True)
    heroes: list["Hero"] = Relationship(%s)


class Hero(SQLModel, table=True):
    id: Optional[int] = Field(default=None, primary_key=True)
    team_id: Optional[int] = Field(default=None, foreign_key="team.id")


class Public(SQLModel):
    id: int
    heroes: list[Hero] = []


def get_session():
    with Session(engine) as session:
        yield session


def chosen(session: Session = Depends(get_session)) -> Team:
    teams = {team.id: team for team in session.exec(select(Team))}
    return teams[1]


@app.get("/team"%s)
def team(found: Team = Depends(chosen)) -> Team:
    return found
"""


_LOADED = Settings(responses="loaded")


def codes(
    relationship: str, response: str = ", response_model=Public", settings: Settings = _LOADED
) -> list[str]:
    """What the codemod `eager-relationships` writes into the application."""
    plan = make_plan(project({"app.py": _APP % (relationship, response)}), p.Step.ALL, settings)
    return [
        getattr(edit, "code", "")
        for file in plan.files
        for edit in file.edits
        if edit.codemod == "eager-relationships"
    ]


@pytest.mark.parametrize(
    ("relationship", "code"),
    [
        ("", 'sa_relationship_kwargs={"lazy": "selectin", "join_depth": 10}'),
        (
            'sa_relationship_kwargs={"cascade": "all", "lazy": "select"}',
            '{"cascade": "all", "lazy": "selectin", "join_depth": 10}',
        ),
        ("sa_relationship_kwargs=EXTRA", '{**EXTRA, "lazy": "selectin", "join_depth": 10}'),
        ('sa_relationship_kwargs={"lazy": "selectin"}', None),
    ],
)
def test_a_relationship_that_a_response_reads_is_loaded_with_its_object(
    relationship: str, code: str | None
) -> None:
    assert codes(relationship) == ([code] if code else [])


def test_a_response_may_load_it() -> None:
    assert codes("", settings=Settings()) == ["lazy_response"]


def test_a_table_as_the_response_reads_no_relationships() -> None:
    """They are no fields of it: Pydantic does not serialise them."""
    assert codes("", response="") == []


def test_exec_is_awaited() -> None:
    plan = make_plan(project({"app.py": _APP % ("", "")}), p.Step.ALL, Settings())
    awaited = [e.span[0] for f in plan.files for e in f.edits if isinstance(e, p.AwaitCall)]
    assert awaited == [31]
