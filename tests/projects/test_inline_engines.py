"""Factories that make their engine themselves: `sessionmaker(bind=create_engine(url))`.

Executed before the migration, after all of it and after each single route.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.model.selection import EVERYTHING, Selection
from support.http_sequence import replay
from support.migration import tree
from support.route_by_route import migrate, routes_of

_HEAD = """\
import os

from fastapi import Depends, FastAPI
from sqlalchemy import Column, Integer, String, create_engine
from sqlalchemy.orm import Session, declarative_base, sessionmaker

Base = declarative_base()
app = FastAPI()
URL = os.environ["DATABASE_URL"]


class Order(Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
    name = Column(String)


"""
_TABLES = """\


@app.on_event("startup")
def create_tables():
    with SessionLocal() as db:
        Base.metadata.create_all(db.connection())
        db.commit()
"""
_ROUTES = """\


def get_db():
    with SessionLocal.begin() as db:
        yield db


@app.post("/orders/{name}")
def add(name: str, db: Session = Depends(get_db)):
    db.add(Order(name=name))


@app.get("/orders")
def orders(db: Session = Depends(get_db)):
    return [order.name for order in db.query(Order).order_by(Order.id)]


@app.get("/count")
def count():
    if SessionLocal is None:
        return None
    with SessionLocal() as db:
        return db.query(Order).count()


class Names:
    def __init__(self, db):
        self.db = db

    @property
    def all(self):
        return [order.name for order in self.db.query(Order).order_by(Order.id)]


def own_names():
    with SessionLocal() as db:
        return Names(db).all


KEPT = {"own": own_names}


@app.get("/kept")
def kept(db: Session = Depends(get_db)):
    return Names(db).all


@app.get("/kept/{name}")
def kept_own(name: str):
    return KEPT[name]()
"""
_FACTORIES = {
    "keyword": "SessionLocal = sessionmaker(bind=create_engine(URL))\n",
    "positional": 'SessionLocal = sessionmaker(create_engine(os.environ["DATABASE_URL"]))\n',
    "options": "SessionLocal = sessionmaker(create_engine(URL).execution_options(tag=1))\n",
    "from a function": (
        "def make_engine():\n"
        "    return create_engine(URL)\n\n\n"
        "SessionLocal = sessionmaker(bind=make_engine())\n"
    ),
    "in a block": (
        'if URL == "none":\n'
        "    SessionLocal = None\n"
        "else:\n"
        "    SessionLocal = sessionmaker(\n"
        "        bind=create_engine(URL),\n"
        "    )\n"
    ),
}


def _written(folder: Path, text: str) -> Path:
    folder.mkdir()
    (folder / "main.py").write_text(text)
    return folder


def _answers(folder: Path, driver: str) -> list[dict[str, object]]:
    requests = [{"method": "POST", "path": f"/orders/{name}"} for name in ("a", "b")]
    paths = ("/orders", "/count", "/kept", "/kept/own")
    requests += [{"method": "GET", "path": path} for path in paths]
    return replay(folder, requests, app="main:app", driver=driver)


@pytest.mark.parametrize("shape", _FACTORIES)
def test_the_engine_becomes_async_with_its_factory(shape: str, tmp_path: Path) -> None:
    text = _HEAD + _FACTORIES[shape] + _TABLES + _ROUTES
    before = _answers(_written(tmp_path / "before", text), "sqlite")
    assert [answer["status"] for answer in before] == [200] * len(before)

    whole = _written(tmp_path / "whole", text)
    migrate(whole, EVERYTHING)
    assert _answers(whole, "sqlite") == before
    done = tree(whole)
    migrate(whole, EVERYTHING)
    assert tree(whole) == done, "a second run changes nothing"

    for number, route in enumerate(routes_of(tmp_path / "before")):
        folder = _written(tmp_path / str(number), text)
        migrate(folder, Selection(routes=(route,)))
        assert _answers(folder, "sqlite") == before, route
        migrate(folder, EVERYTHING)
        assert tree(folder) == done, f"{route} first"


def test_a_factory_that_may_be_none_is_none_on_both_sides(tmp_path: Path) -> None:
    text = _HEAD + _FACTORIES["in a block"] + _ROUTES
    folder = _written(tmp_path / "app", text)
    migrate(folder, EVERYTHING)
    made = (folder / "main.py").read_text()
    assert "    SessionLocal = None\n    SyncSessionLocal = None\n" in made

    converted = _HEAD + _FACTORIES["in a block"] + _ROUTES.partition("class Names")[0]
    folder = _written(tmp_path / "gradual", converted)
    migrate(folder, Selection(routes=("POST /orders/{name}",)))
    assert "SyncSessionLocal = None\n" in (folder / "main.py").read_text()
    migrate(folder, EVERYTHING)
    assert "Sync" not in (folder / "main.py").read_text()
