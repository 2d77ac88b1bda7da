"""`database.SessionLocal()`, a factory named below its module, on its way to async and back.

Executed before the migration, after all of it and after each single route, in two orders.
"""

from __future__ import annotations

from pathlib import Path

from migrate_async.model.selection import EVERYTHING, Selection
from support.http_sequence import replay
from support.migration import tree, written
from support.route_by_route import migrate, routes_of

_DATABASE = """\
import os

from sqlalchemy import Column, Integer, String, create_engine
from sqlalchemy.orm import declarative_base, sessionmaker

engine = create_engine(os.environ["DATABASE_URL"])
SessionLocal = sessionmaker(bind=engine)
Base = declarative_base()


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(String)


Base.metadata.create_all(engine)
"""
_MAIN = """\
from fastapi import FastAPI

import database
from database import User

app = FastAPI()


def count():
    with database.SessionLocal() as db:
        return db.query(User).count()


def note(name: str):
    with database.SessionLocal.begin() as db:
        db.add(User(name=name))


def names():
    db = database.SessionLocal(autoflush=False)
    try:
        db.add(User(name="not flushed"))
        return [user.name for user in db.query(User)]
    finally:
        db.close()


@app.get("/count")
def counted():
    return count()


@app.post("/users/{name}")
def add(name: str):
    note(name)
    return [count(), names()]


@app.get("/users")
def users():
    return [count(), names()]
"""
_REQUESTS = [
    {"method": "POST", "path": "/users/ada"},
    {"method": "GET", "path": "/count"},
    {"method": "GET", "path": "/users"},
]


def _lay_out(folder: Path) -> Path:
    folder.mkdir()
    return written(folder, {"database.py": _DATABASE, "main.py": _MAIN})


def test_a_factory_below_its_module(tmp_path: Path) -> None:
    whole = _lay_out(tmp_path / "whole")
    routes = routes_of(whole)
    expected = replay(whole, _REQUESTS, app="main:app")
    assert [answer["json"] for answer in expected] == [[1, ["ada"]], 1, [1, ["ada"]]]
    migrate(whole, EVERYTHING)
    assert replay(whole, _REQUESTS, app="main:app") == expected
    for name, order in (("there", routes), ("back", routes[::-1])):
        folder = _lay_out(tmp_path / name)
        for route in order:
            migrate(folder, Selection(routes=(route,)))
            assert replay(folder, _REQUESTS, app="main:app") == expected, route
        migrate(folder, EVERYTHING)
        assert tree(folder) == tree(whole), name
