"""Plain routes and dependencies that read what others have loaded, and run no SQL of their own.

Executed before the migration, after all of it and after each single route: the mapping stays as it
is, so that nothing is loaded before rows that come later.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.model.selection import EVERYTHING, Selection
from support.http_sequence import replay
from support.migration import tree, write
from support.route_by_route import migrate, routes_of

_APP = """\
import os

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Column, ForeignKey, Integer, String, create_engine
from sqlalchemy.orm import Session, declarative_base, relationship, sessionmaker

engine = create_engine(os.environ["DATABASE_URL"])
SessionLocal = sessionmaker(engine)
Base = declarative_base()
app = FastAPI()


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(String)
    orders = relationship("Order", back_populates="owner")


class Order(Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
    owner_id = Column(ForeignKey("users.id"))
    owner = relationship(User, back_populates="orders")
    items = relationship("Item")

    @property
    def codes(self):
        return sorted(item.code for item in self.items)


class Item(Base):
    __tablename__ = "items"
    id = Column(Integer, primary_key=True)
    code = Column(String)
    order_id = Column(ForeignKey("orders.id"))


class OrderOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int
    codes: list[str]


class UserOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    name: str
    orders: list[OrderOut]


def get_db():
    with SessionLocal() as db:
        yield db


def get_order(number: int, db: Session = Depends(get_db)):
    order = db.get(Order, number)
    if order is None:
        raise HTTPException(404)
    return order


def get_owner(order: Order = Depends(get_order)) -> User:
    return order.owner


def is_filled(order: Order = Depends(get_order)):
    if not order.items:
        raise HTTPException(409)


Base.metadata.create_all(engine)


@app.post("/orders")
def add(db: Session = Depends(get_db)):
    db.add(Order(owner=User(name="Ann"), items=[Item(code="a")]))
    db.commit()


@app.get("/orders/{number}", response_model=OrderOut)
def show(order: Order = Depends(get_order)):
    return order


@app.get("/sizes/{number}")
def size(order: Order = Depends(get_order)):
    return len(order.items)


@app.get("/owners/{number}", response_model=UserOut)
def owner(owner: User = Depends(get_owner)):
    return owner


@app.get("/filled/{number}", dependencies=[Depends(is_filled)])
def filled(number: int):
    return number


@app.get("/found/{number}")
def found(number: int, owner: User = Depends(get_owner), db: Session = Depends(get_db)):
    return [owner.name, db.get(Order, number).owner_id]
"""


def _written(folder: Path) -> Path:
    folder.mkdir()
    (folder / "main.py").write_text(_APP)
    return folder


def _answers(folder: Path, driver: str = "sqlite") -> list[object]:
    routes = [route.split() for route in routes_of(folder)]
    routes.sort(key=lambda route: route[1] != "/orders")  # something to find
    requests = [
        {"method": method, "path": path.replace("{number}", number)}
        for method, path in routes
        for number in ("1", "7")
    ]
    return [requests, replay(folder, requests, app="main:app", driver=driver)]


def test_they_become_coroutines_and_the_mapping_stays(tmp_path: Path) -> None:
    whole = _written(tmp_path / "whole")
    said = write(whole, "--all")
    assert "MA501" not in said
    assert "MA511" not in said
    text = (whole / "main.py").read_text()
    assert 'lazy="selectin"' not in text
    for name in ("show", "size", "owner", "get_owner", "is_filled"):
        assert f"async def {name}(" in text
    assert "\ndef filled(" in text, "it reads nothing"


def test_every_state_answers_as_before(tmp_path: Path) -> None:
    before = _answers(_written(tmp_path / "before"))
    whole = _written(tmp_path / "whole")
    migrate(whole, EVERYTHING)
    assert _answers(whole, "sqlite+aiosqlite") == before
    done = tree(whole)
    migrate(whole, EVERYTHING)
    assert tree(whole) == done, "a second run changes nothing"
    for number, route in enumerate(routes_of(tmp_path / "before")):
        folder = _written(tmp_path / str(number))
        migrate(folder, Selection(routes=(route,)))
        assert _answers(folder, "sqlite+aiosqlite") == before, route
        migrate(folder, EVERYTHING)
        assert tree(folder) == done, f"{route} first"


_OWN_SESSIONS = """\
def get_db():
    with Session(engine) as db:
        yield db
"""


@pytest.mark.parametrize("number", range(3))
def test_without_a_factory_the_mapping_loads(tmp_path: Path, number: int) -> None:
    text = _APP.replace(_APP[_APP.index("def get_db") : _APP.index("def get_order")], _OWN_SESSIONS)
    text = text.replace("SessionLocal = sessionmaker(engine)\n", "").replace(", sessionmaker", "")
    text = text[: text.index('@app.get("/owners/')] + text[text.index('@app.get("/filled') :]
    (tmp_path / "main.py").write_text(text)
    before = _answers(tmp_path)
    if number:
        route = ("GET /orders/{number}", "POST /orders")[number - 1]
        migrate(tmp_path, Selection(routes=(route,)))
    else:
        migrate(tmp_path, EVERYTHING)
    assert _answers(tmp_path, "sqlite+aiosqlite") == before
