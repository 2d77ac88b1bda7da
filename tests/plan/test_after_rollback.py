"""Where objects are loaded anew because something rolled back; `team_planner` executes it."""

from __future__ import annotations

import textwrap

import pytest

from migrate_async.config import Settings
from migrate_async.model.plan import InsertStatements, Step
from migrate_async.plan.planner import make_plan
from support.projects import project

HEAD = """
from fastapi import HTTPException
from sqlalchemy import Column, Integer, String, create_engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, declarative_base, sessionmaker

engine = create_engine("sqlite:///app.db")
SessionLocal = sessionmaker(bind=engine)
Base = declarative_base()


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(String, unique=True)


def try_to_save(db: Session):
    try:
        db.commit()
    except IntegrityError:
        db.rollback()


def save_or_fail(db: Session):
    try:
        db.commit()
    except IntegrityError:
        db.rollback()
        raise ValueError("taken")


def function(db: Session, user: User):
"""

AWAIT = "await user.awaitable_attrs.id"


def added(body: str) -> list[tuple[int, str]]:
    """Where in `body` (its first line is 0) something is added below, and what."""
    first = HEAD.count("\n") + 1
    text = HEAD + textwrap.indent(textwrap.dedent(body), "    ")
    plan = make_plan(project({"app.py": text}), Step.ALL, Settings())
    return [
        (edit.span[0] - first, edit.code)
        for file in plan.files
        for edit in file.edits
        if isinstance(edit, InsertStatements) and edit.span[0] >= first
    ]


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("db.rollback()\nreturn user.name", 0),
        ("db.flush()\ndb.expire_all()\nreturn user.name", 1),
        ("db.flush()\ndb.expire(user)\nreturn user.name", 1),
        ("try:\n    db.commit()\nexcept IntegrityError:\n    db.rollback()\nreturn user", 3),
        (
            (
                "try:\n    db.commit()\nexcept IntegrityError:\n    db.rollback()\n"
                "    raise HTTPException(409, user.name)"
            ),
            3,
        ),
        ("try_to_save(db)\nreturn user.name", 0),
        ("try:\n    save_or_fail(db)\nexcept ValueError:\n    return user.name", 3),
        (
            (
                "try:\n    with db.begin_nested():\n        user.name = 'x'\n"
                "except IntegrityError:\n    return user.name"
            ),
            4,
        ),
        ("for n in range(3):\n    print(user.name)\n    db.rollback()", 2),
    ],
)
def test_an_object_that_is_read_afterwards_is_loaded(body: str, line: int) -> None:
    assert added(body) == [(line, AWAIT)]


@pytest.mark.parametrize(
    "body",
    [
        "name = user.name\ndb.rollback()\nreturn name",
        "db.rollback()\nuser = db.get(User, 1)\nreturn user.name",
        "db.rollback()\nfor user in db.query(User):\n    print(user.name)",
        "try:\n    db.commit()\nexcept IntegrityError:\n    db.rollback()\n    raise",
        "try:\n    db.commit()\nexcept IntegrityError:\n    db.rollback()\n    raise\nreturn 1",
        "save_or_fail(db)\nreturn user.name",
        "db.refresh(user)\nreturn user.name",
        "db.flush()\ndb.expire(user)\nreturn 1",
    ],
)
def test_what_is_not_read_is_left_alone(body: str) -> None:
    assert [code for _, code in added(body) if "awaitable" in code] == []


def test_what_may_be_none_is_asked_first() -> None:
    body = "found = db.get(User, 1)\ndb.rollback()\nreturn found and found.name"
    assert added(body) == [(1, "if found is not None:\n    await found.awaitable_attrs.id")]


def test_the_next_object_of_a_loop_is_loaded() -> None:
    body = "for one in db.query(User).all():\n    print(one.name)\n    try_to_save(db)"
    assert added(body) == [(1, "await one.awaitable_attrs.id")]


def test_each_object_of_a_list_is_loaded() -> None:
    body = "users = db.query(User).all()\ndb.rollback()\nreturn [u.name for u in users]"
    assert added(body) == [(1, "for user_2 in users:\n    await user_2.awaitable_attrs.id")]
