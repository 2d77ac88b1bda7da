"""Answers that show what is loaded of an object, where the mapping loads more than before."""

from __future__ import annotations

import pytest

from migrate_async.config import Settings
from migrate_async.model.plan import Step
from migrate_async.plan.planner import make_plan
from support.projects import project

_SOURCE = """\
from fastapi import Depends, FastAPI
from fastapi.encoders import jsonable_encoder
from pydantic import BaseModel
from sqlalchemy import Column, ForeignKey, Integer, create_engine
from sqlalchemy.orm import Session, declarative_base, relationship, sessionmaker

SessionLocal = sessionmaker(bind=create_engine("sqlite://"))
Base = declarative_base()
app = FastAPI()


class Post(Base):
    __tablename__ = "posts"
    id = Column(Integer, primary_key=True)
    user_id = Column(ForeignKey("users.id"))


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    posts = relationship(Post)


class Shown(BaseModel):
    id: int


def get_db():
    with SessionLocal() as db:
        yield db


def current_user(db: Session = Depends(get_db)):
    return db.query(User).first()


{reader}


{route}
def show(id: int, db: Session = Depends(get_db)):
    return {answer}
"""
_READER = """\
class Summary:
    def __init__(self, user: User):
        self.user = user

    def size(self):
        return len(self.user.posts)


@app.get("/me")
def me(user: User = Depends(current_user)):
    return user.id
"""
_ROUTE = '@app.get("/users/{id}")'
_MODEL = '@app.get("/users/{id}", response_model=Shown)'


@pytest.mark.parametrize(
    ("reader", "route", "answer", "is_told"),
    [
        (_READER, _ROUTE, "db.get(User, id)", True),
        (_READER, _ROUTE, "db.query(User).all()", True),
        (_READER, _ROUTE, '{"user": db.get(User, id)}', True),
        (_READER, _ROUTE, '{"user": jsonable_encoder(db.get(User, id))}', True),
        (_READER, _MODEL, "jsonable_encoder(db.get(User, id))", True),
        (_READER, _MODEL, "db.get(User, id)", False),
        (_READER, _ROUTE, "db.get(Post, id)", False),
        (_READER, _ROUTE, "db.get(User, id).id", False),
        ("", _ROUTE, "db.get(User, id)", False),
    ],
)
def test_what_they_show_now_is_told(reader: str, route: str, answer: str, is_told: bool) -> None:
    code = _SOURCE.replace("{reader}", reader).replace("{route}", route)
    files = {"main.py": code.replace("{answer}", answer)}
    found = make_plan(project(files), Step.ALL, Settings())
    told = [item for item in found.diagnostics if item.code == "MA507"]
    assert bool(told) == is_told
    assert all("`posts` is now loaded with it" in item.message for item in told)
