"""A context manager makes sessions by their class, and what stays sync works on one in a thread.

The code is executed before, between two runs and after.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import command, printed_anew, tree, write, written

MAIN = """\
import functools
from contextlib import contextmanager

from fastapi import FastAPI
from sqlalchemy import Column, ForeignKey, Integer, String, create_engine
from sqlalchemy.orm import Session, declarative_base, relationship

engine = create_engine("sqlite:///app.db")
Base = declarative_base()


class Team(Base):
    __tablename__ = "teams"

    id = Column(Integer, primary_key=True)
    name = Column(String)


class User(Base):
    __tablename__ = "users"

    id = Column(Integer, primary_key=True)
    name = Column(String)
    team_id = Column(ForeignKey("teams.id"))
    team = relationship(Team)


@contextmanager
def scope(autoflush=True):
    session = Session(engine, autoflush=autoflush)
    try:
        yield session
    finally:
        session.close()


app = FastAPI()


@app.post("/fill")
def fill():
    with scope() as db:
        db.add(User(name="Ada", team=Team(name="owls")))
        db.commit()


class Store:
    def __init__(self, db):
        self.db = db

    def __len__(self):
        return self.db.query(User).count()

    def names(self):
        return [user.name for user in self.db.query(User)]


@app.get("/kept")
def kept():
    with scope() as db:
        return Store(db).names()


class Converter:
    def convert(self, db, user):
        return [user.team.name, db.query(User).count()]


@app.get("/handed-on")
def handed_on():
    with scope(autoflush=False) as db:
        convert = functools.partial(Converter().convert, db)
        return [convert(user) for user in db.query(User)]
"""
DRIVE = """\
from fastapi.testclient import TestClient

import main
from sqlalchemy import create_engine

tables = create_engine("sqlite:///app.db")
main.Base.metadata.create_all(tables)
tables.dispose()
with TestClient(main.app) as client:
    for method, path in (("POST", "/fill"), ("GET", "/kept"), ("GET", "/handed-on")):
        print(client.request(method, path).text)
"""


@pytest.mark.parametrize("first", [("--all",), ("--route", "POST /fill")], ids=["at once", "two"])
def test_it_works_in_threads(first: tuple[str, ...], tmp_path: Path) -> None:
    app = written(tmp_path, {"main.py": MAIN})
    before = printed_anew(app, DRIVE)
    assert '["Ada"]' in before
    write(app, *first)
    assert printed_anew(app, DRIVE) == before
    write(app, "--all")
    assert printed_anew(app, DRIVE) == before
    assert command(app, "verify").returncode == 0
    done = tree(app)
    write(app, "--all")
    assert tree(app) == done
