"""Comparisons that only the sync drivers accept are reported."""

from __future__ import annotations

from migrate_async.config import Settings
from migrate_async.model.plan import Step
from migrate_async.plan.planner import make_plan
from support.projects import project

SOURCE = """
    from pydantic import BaseModel
    from sqlalchemy import Column, Integer, String
    from sqlalchemy.orm import Session, declarative_base

    Base = declarative_base()

    class User(Base):
        __tablename__ = "users"
        id = Column(Integer, primary_key=True)
        name = Column(String)

    class Token(BaseModel):
        id: str
        number: int

    def find(db: Session, token: Token):
        return db.query(User).filter({condition}).first()
"""


def codes(condition: str) -> list[str]:
    files = {"app.py": SOURCE.format(condition=condition)}
    found = make_plan(project(files), Step.ALL, Settings())
    return [item.code for item in found.diagnostics if item.code == "MA411"]


def test_an_integer_compared_with_a_string_is_reported() -> None:
    assert codes("User.id == token.id") == ["MA411"]
    assert codes("token.id == User.id") == ["MA411"]


def test_equal_types_are_not() -> None:
    assert codes("User.id == token.number") == []
    assert codes("User.name == token.id") == []
    assert codes("User.id == int(token.id)") == []
