"""Helpers that commit in some cases only: `if commit: db.commit()`.

Where there was no commit, a refresh would lose what is to be written. Executed before the
migration, after all of it and after each single route.
"""

from __future__ import annotations

from pathlib import Path

from migrate_async.model.selection import EVERYTHING, Selection
from support.http_sequence import replay
from support.migration import tree
from support.route_by_route import migrate, routes_of

_APPLICATION = """\
import os

from fastapi import Depends, FastAPI
from sqlalchemy import Column, ForeignKey, Integer, String, create_engine
from sqlalchemy.orm import Session, declarative_base, relationship, sessionmaker

engine = create_engine(os.environ["DATABASE_URL"])
SessionLocal = sessionmaker(engine, autoflush=False)
Base = declarative_base()
app = FastAPI()


class Order(Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
    name = Column(String)
    items = relationship("Item")


class Item(Base):
    __tablename__ = "items"
    id = Column(Integer, primary_key=True)
    code = Column(String)
    order_id = Column(ForeignKey("orders.id"))


def get_db():
    with SessionLocal() as db:
        yield db


Base.metadata.create_all(engine)


def release(db: Session, order: Order, commit: bool = True):
    for item in db.query(Item).filter(Item.order_id == order.id):
        db.delete(item)
    if commit:
        db.commit()


def release_later(db: Session, order: Order, later: bool):
    release(db, order, commit=not later)


def release_some(db: Session, order: Order):
    items = db.query(Item).filter(Item.order_id == order.id).all()
    if not items:
        return
    for item in items:
        db.delete(item)
    db.commit()


def state(order: Order):
    return [order.name, [item.code for item in order.items]]


@app.post("/orders/{number}")
def add(number: int, db: Session = Depends(get_db)):
    db.add(Order(id=number, name="new", items=[Item(code="a"), Item(code="b")]))
    db.commit()


@app.get("/orders/{number}")
def show(number: int, db: Session = Depends(get_db)):
    return state(db.get(Order, number))


@app.post("/not-committed/{number}")
def not_committed(number: int, db: Session = Depends(get_db)):
    order = db.get(Order, number)
    order.name = "released"
    release(db, order, commit=False)
    told = order.name
    db.commit()
    return [told, order.name]


@app.post("/passed-on/{number}")
def passed_on(number: int, db: Session = Depends(get_db)):
    order = db.get(Order, number)
    order.name = "later"
    release_later(db, order, True)
    told = order.name
    db.commit()
    return told


@app.post("/committed/{number}")
def committed(number: int, db: Session = Depends(get_db)):
    order = db.get(Order, number)
    seen = len(order.items)
    release(db, order)
    return [seen, len(order.items)]


@app.post("/asked/{number}")
def asked(number: int, commit: bool, db: Session = Depends(get_db)):
    order = db.get(Order, number)
    order.name = "asked"
    seen = len(order.items)
    release(db, order, commit)
    told = [seen, order.name]
    db.commit()
    return [*told, len(order.items)]


@app.post("/some/{number}")
def some(number: int, db: Session = Depends(get_db)):
    order = db.get(Order, number)
    order.name = "some"
    release_some(db, order)
    told = order.name
    db.commit()
    return told


@app.post("/only-added/{number}")
def only_added(number: int, commit: bool, db: Session = Depends(get_db)):
    order = Order(name="added")
    db.add(order)
    release(db, order, commit)
    return order.name
"""


def _written(folder: Path) -> Path:
    folder.mkdir()
    (folder / "main.py").write_text(_APPLICATION)
    return folder


def _answers(folder: Path, driver: str) -> list[dict[str, object]]:
    paths = ["not-committed/1", "passed-on/2", "committed/3", "asked/4?commit=true"]
    paths += ["asked/5?commit=false", "some/6", "some/6", "only-added/7?commit=true"]
    paths += ["only-added/8?commit=false"]
    requests = [{"method": "POST", "path": f"/orders/{number}"} for number in range(1, 7)]
    requests += [{"method": "POST", "path": f"/{path}"} for path in paths]
    requests += [{"method": "GET", "path": f"/orders/{number}"} for number in range(1, 7)]
    return replay(folder, requests, app="main:app", driver=driver)


def test_nothing_written_is_lost_where_nothing_is_committed(tmp_path: Path) -> None:
    before = _answers(_written(tmp_path / "before"), "sqlite")
    assert [answer["status"] for answer in before] == [200] * len(before)

    whole = _written(tmp_path / "whole")
    migrate(whole, EVERYTHING)
    assert _answers(whole, "sqlite+aiosqlite") == before
    done = tree(whole)
    migrate(whole, EVERYTHING)
    assert tree(whole) == done, "a second run changes nothing"

    for number, route in enumerate(routes_of(tmp_path / "before")):
        folder = _written(tmp_path / str(number))
        migrate(folder, Selection(routes=(route,)))
        assert _answers(folder, "sqlite") == before, route
        migrate(folder, EVERYTHING)
        assert tree(folder) == done, f"{route} first"


def test_a_commit_that_may_not_be_made_is_asked_for(tmp_path: Path) -> None:
    folder = _written(tmp_path / "app")
    migrate(folder, EVERYTHING)
    text = (folder / "main.py").read_text()
    not_committed = text[text.index("def not_committed") : text.index("def passed_on")]
    assert "release(db, order, commit=False)\n    told" in not_committed
    passed_on = text[text.index("def passed_on") : text.index("def committed")]
    assert "release_later(db, order, True)\n    told" in passed_on
    asked = text[text.index("def asked") : text.index("def some")]
    assert (
        "release(db, order, commit)\n"
        "    if not db.is_modified(order):\n"
        "        await db.refresh(order)\n"
    ) in asked
