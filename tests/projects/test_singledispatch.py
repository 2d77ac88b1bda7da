"""Functions that `singledispatch` chooses from: one call may run any of them, in one colour."""

from __future__ import annotations

from pathlib import Path

from migrate_async.model.selection import EVERYTHING, Selection
from support.http_sequence import replay
from support.migration import written
from support.route_by_route import migrate, routes_of

_MAIN = """\
import os
from functools import singledispatch, singledispatchmethod

from fastapi import FastAPI
from sqlalchemy import Column, Integer, String, create_engine
from sqlalchemy.orm import declarative_base, sessionmaker

engine = create_engine(os.environ["DATABASE_URL"])
SessionLocal = sessionmaker(bind=engine)
Base = declarative_base()
app = FastAPI()


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(String)


def get_db():
    with SessionLocal() as db:
        yield db


@app.on_event("startup")
def fill():
    Base.metadata.create_all(engine)
    with SessionLocal() as db:
        db.add_all([User(name="ann"), User(name="bob")])
        db.commit()


@singledispatch
def describe(what, db):
    return "?"


@describe.register
def _(what: int, db):
    return db.query(User).filter(User.id == what).one().name


class Finder:
    def __init__(self, db):
        self.db = db

    @singledispatchmethod
    def find(self, what):
        return None

    @find.register
    def _(self, what: int):
        return self.db.query(User).filter(User.id == what).one().name

    @find.register(str)
    def _named(self, what):
        return self.db.query(User).filter(User.name == what).one().id
"""
_MORE = """\
from fastapi import Depends
from sqlalchemy.orm import Session

from base import Finder, User, app, describe, get_db


@describe.register(str)
def _named(what, db):
    return db.query(User).filter(User.name == what).one().id


@app.get("/functions")
def functions(db: Session = Depends(get_db)):
    return [describe(1, db), describe("bob", db), describe(1.5, db)]


@app.get("/methods")
def methods(db: Session = Depends(get_db)):
    finder = Finder(db)
    return [finder.find(2), finder.find("ann"), finder.find(1.5)]
"""


def test_all_of_them_convert(tmp_path: Path) -> None:
    """Before, nobody was seen to call them: the route handed an async session to sync code."""
    files = {"base.py": _MAIN, "main.py": _MORE}
    requests = [{"method": "GET", "path": path} for path in ("/functions", "/methods")]
    before = replay(written(tmp_path / "before", files), requests, app="main:app")
    assert before[0]["json"] == ["ann", 2, "?"]
    whole = written(tmp_path / "whole", files)
    migrate(whole, EVERYTHING)
    assert replay(whole, requests, app="main:app") == before
    assert (whole / "base.py").read_text().count("async def _") == 3
    assert "as_integer" not in (whole / "base.py").read_text()
    for route in routes_of(tmp_path / "before"):
        folder = written(tmp_path / route.partition("/")[2], files)
        migrate(folder, Selection(routes=(route,)))
        assert replay(folder, requests, app="main:app") == before
        migrate(folder, EVERYTHING)
        assert (folder / "base.py").read_text() == (whole / "base.py").read_text()
