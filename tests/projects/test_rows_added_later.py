"""Rows that are added by foreign key after the object whose collection has to show them.

The mapping loads the collection with its object from now on, before the rows are there. Executed
before the migration, after all of it and after each single route.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.model.selection import EVERYTHING, Selection
from support.http_sequence import replay
from support.migration import tree, write
from support.route_by_route import migrate, routes_of

_MODELS = """\
import os

from fastapi import Depends, FastAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Column, ForeignKey, Integer, String, create_engine
from sqlalchemy.orm import Session, declarative_base, relationship, sessionmaker

engine = create_engine(os.environ["DATABASE_URL"])
SessionLocal = sessionmaker(engine)
Base = declarative_base()
app = FastAPI()


class Order(Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
    name = Column(String)
    items = relationship("Item")

    @property
    def codes(self):
        return sorted(item.code for item in self.items)


class Item(Base):
    __tablename__ = "items"
    id = Column(Integer, primary_key=True)
    code = Column(String)
    order_id = Column(ForeignKey("orders.id"))


class Printer:
    def __init__(self, order: Order):
        self.order = order

    def codes(self):
        return self.order.codes


class OrderOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int
    codes: list[str]


"""
_DEPENDENCIES = """\
def get_db():
    with SessionLocal() as db:
        yield db


def get_order(number: int, db: Session = Depends(get_db)):
    return db.get(Order, number)


Base.metadata.create_all(engine)


@app.post("/orders")
def add(db: Session = Depends(get_db)):
    db.add(Order(items=[Item(code="a")]))
    db.commit()


@app.get("/orders/{number}")
def kept(number: int, db: Session = Depends(get_db)):
    return Printer(db.get(Order, number)).codes()


@app.post("/committed/{number}", response_model=OrderOut)
def committed(number: int, db: Session = Depends(get_db)):
    order = db.get(Order, number)
    db.add(Item(code="committed", order_id=order.id))
    db.commit()
    return order


@app.post("/flushed/{number}", response_model=OrderOut)
def flushed(number: int, db: Session = Depends(get_db)):
    order = db.get(Order, number)
    db.add(Item(code="flushed", order_id=order.id))
    db.flush()
    return order


@app.post("/flushed-printed/{number}")
def flushed_printed(number: int, db: Session = Depends(get_db)):
    order = db.get(Order, number)
    db.add(Item(code="flushed", order_id=order.id))
    db.flush()
    return Printer(order).codes()


@app.post("/flushed-read/{number}")
def flushed_read(number: int, db: Session = Depends(get_db)):
    order = db.get(Order, number)
    db.add(Item(code="flushed", order_id=order.id))
    db.flush()
    return [item.code for item in order.items]


@app.post("/autoflushed/{number}", response_model=OrderOut)
def autoflushed(number: int, db: Session = Depends(get_db)):
    order = db.get(Order, number)
    db.add(Item(code="auto", order_id=order.id))
    return order


@app.post("/given/{number}", response_model=OrderOut)
def given(order: Order = Depends(get_order), db: Session = Depends(get_db)):
    db.add(Item(code="given", order_id=order.id))
    db.commit()
    return order


@app.post("/given-flushed/{number}", response_model=OrderOut)
def given_flushed(order: Order = Depends(get_order), db: Session = Depends(get_db)):
    db.add(Item(code="given", order_id=order.id))
    db.flush()
    return order


@app.post("/made", response_model=OrderOut)
def made(db: Session = Depends(get_db)):
    order = Order(name="new")
    db.add(order)
    db.flush()
    db.add(Item(code="made", order_id=order.id))
    db.flush()
    return order


@app.post("/made-committed", response_model=OrderOut)
def made_committed(db: Session = Depends(get_db)):
    order = Order(name="new")
    db.add(order)
    db.commit()
    db.add(Item(code="made", order_id=order.id))
    db.commit()
    return order


@app.post("/made-refreshed", response_model=OrderOut)
def made_refreshed(db: Session = Depends(get_db)):
    order = Order(name="new")
    db.add(order)
    db.commit()
    db.refresh(order)
    db.add(Item(code="made", order_id=order.id))
    db.flush()
    return order


@app.post("/helped/{number}", response_model=OrderOut)
def helped(number: int, db: Session = Depends(get_db)):
    order = db.get(Order, number)
    add_item(db, order.id)
    return order


def add_item(db: Session, number: int):
    db.add(Item(code="helped", order_id=number))
    db.flush()
"""
_OWN_SESSIONS = """\
Base.metadata.create_all(engine)


@app.post("/orders")
def add():
    with SessionLocal() as db:
        db.add(Order(items=[Item(code="a")]))
        db.commit()


@app.get("/orders/{number}")
def kept(number: int):
    with SessionLocal() as db:
        return Printer(db.get(Order, number)).codes()


@app.post("/committed/{number}")
def committed(number: int):
    with SessionLocal() as db:
        order = db.get(Order, number)
        db.add(Item(code="committed", order_id=order.id))
        db.commit()
        return order.codes


@app.post("/flushed/{number}")
def flushed(number: int):
    with SessionLocal() as db:
        order = db.get(Order, number)
        db.add(Item(code="flushed", order_id=order.id))
        db.flush()
        return order.codes


@app.post("/validated/{number}")
def validated(number: int):
    with SessionLocal() as db:
        order = db.get(Order, number)
        db.add(Item(code="validated", order_id=order.id))
        return OrderOut.model_validate(order)


@app.post("/deleted/{number}")
def deleted(number: int):
    with SessionLocal() as db:
        order = db.get(Order, number)
        db.delete(db.query(Item).filter(Item.order_id == number).first())
        db.flush()
        return Printer(order).codes()


@app.post("/found-or-made/{number}")
def found_or_made(number: int):
    with SessionLocal() as db:
        order = db.get(Order, number)
        if not order:
            order = Order(id=number, name="made")
            db.add(order)
            db.flush()
        db.add(Item(code="found or made", order_id=order.id))
        db.flush()
        return order.codes


@app.post("/saved/{number}")
def saved(number: int):
    with SessionLocal() as db:
        order = db.get(Order, number)
        order.name = "saved"
        db.flush()
        db.refresh(order)
        item = Item(code="saved", order_id=order.id)
        db.add(item)
        db.flush()
        if item.id:
            return {"codes": order.codes}
        return None
"""
_KEPT = """\
def get_db():
    with SessionLocal() as db:
        yield db


class Service:
    def __init__(self, db: Session = Depends(get_db)):
        self.db = db

    def load(self, number: int):
        self.order = self.db.get(Order, number)

    def add(self):
        self.db.add(Item(code="served", order_id=self.order.id))
        self.db.commit()

    def add_flush(self):
        self.db.add(Item(code="served", order_id=self.order.id))
        self.db.flush()

    def codes(self):
        return self.order.codes


@app.post("/served/{number}")
def served(number: int, service: Service = Depends(Service)):
    service.load(number)
    service.add()
    return service.codes()
"""


def _written(folder: Path, text: str) -> Path:
    folder.mkdir()
    (folder / "main.py").write_text(text)
    return folder


def _answers(folder: Path, driver: str = "sqlite") -> list[object]:
    routes = [route.split() for route in routes_of(folder)]
    routes.sort(key=lambda route: route[1] != "/orders")  # something to find
    requests = [
        {"method": method, "path": path.replace("{number}", "1")} for method, path in routes
    ]
    return [requests, replay(folder, requests, app="main:app", driver=driver)]


@pytest.mark.parametrize(
    "sessions",
    [
        pytest.param("sessionmaker(engine)", id="expired by commits"),
        pytest.param("sessionmaker(engine, expire_on_commit=False)", id="kept by commits"),
    ],
)
@pytest.mark.parametrize(
    "routes",
    [
        pytest.param(_DEPENDENCIES, id="sessions of a dependency"),
        pytest.param(_OWN_SESSIONS, id="sessions of their own"),
    ],
)
def test_collections_have_the_rows_that_were_flushed(
    routes: str, sessions: str, tmp_path: Path
) -> None:
    text = (_MODELS + routes).replace("sessionmaker(engine)", sessions)
    before = _answers(_written(tmp_path / "before", text))

    whole = _written(tmp_path / "whole", text)
    migrate(whole, EVERYTHING)
    assert 'lazy="selectin"' in (whole / "main.py").read_text()
    assert _answers(whole, "sqlite+aiosqlite") == before
    done = tree(whole)
    migrate(whole, EVERYTHING)
    assert tree(whole) == done, "a second run changes nothing"

    states: list[dict[str, bytes]] = []
    for number, route in enumerate(routes_of(tmp_path / "before")):
        folder = _written(tmp_path / str(number), text)
        migrate(folder, Selection(routes=(route,)))
        if tree(folder) in states:  # routes that share a session migrate together
            continue
        states.append(tree(folder))
        assert _answers(folder) == before, route
        migrate(folder, EVERYTHING)
        assert tree(folder) == done, f"{route} first"


_ORDERS = """\
Base.metadata.create_all(engine)


@app.post("/orders")
def add():
    with SessionLocal() as db:
        db.add(Order(items=[Item(code="a")]))
        db.commit()


"""
_UNCERTAIN = """\
def save(db: Session, model, **values):
    instance = model(**values)
    db.add(instance)
    db.flush()
    return instance


@app.post("/read-before/{number}")
def read_before(number: int):
    with SessionLocal() as db:
        order = db.get(Order, number)
        seen = len(order.items)
        db.add(Item(code="read", order_id=order.id))
        db.flush()
        return [seen, order.codes]


@app.post("/made")
def made():
    with SessionLocal() as db:
        order = Order(name="new", items=[Item(code="one")])
        db.add(order)
        db.flush()
        db.add(Item(code="two", order_id=order.id))
        db.flush()
        return order.codes


@app.post("/each")
def each():
    with SessionLocal() as db:
        for order in db.query(Order).all():
            db.add(Item(code="each", order_id=order.id))
            db.flush()
            print(Printer(order).codes())


@app.post("/shown-before/{number}")
def shown_before(number: int):
    with SessionLocal() as db:
        order = db.get(Order, number)
        print(Printer(order).codes())
        db.add(Item(code="shown", order_id=order.id))
        db.flush()
        return order.codes


@app.post("/nested/{number}")
def nested(number: int):
    with SessionLocal() as db:
        order = db.get(Order, number)
        with db.begin_nested():
            db.add(Item(code="nested", order_id=order.id))
        return order.codes


@app.post("/several")
def several():
    with SessionLocal() as db:
        orders = db.query(Order).all()
        db.add(Item(code="several", order_id=1))
        db.flush()
        return [order.codes for order in orders]


@app.post("/enough/{number}")
def enough(number: int):
    with SessionLocal() as db:
        order = db.get(Order, number)
        for code in ("a", "b"):
            db.add(Item(code=code, order_id=order.id))
        db.commit()
        return order.codes


class Keeper:
    def __init__(self, db: Session):
        self.db = db

    def run(self, number: int):
        self.order = self.db.get(Order, number)
        save(self.db, Item, code="kept", order_id=number)
        return self.order.codes


@app.post("/kept/{number}")
def run(number: int):
    with SessionLocal() as db:
        return Keeper(db).run(number)
"""


def test_what_is_not_certain_changes_no_mapping(tmp_path: Path) -> None:
    """Who reads it stays sync, and loads it in a thread, whatever was migrated."""
    text = _MODELS + _ORDERS + _UNCERTAIN
    before = _answers(_written(tmp_path / "before", text))
    whole = _written(tmp_path / "whole", text)
    said = write(whole, "--all")
    assert not [code for code in ("MA501", "MA511") if code in said]
    assert "Printer.codes stays sync: it reads Order.items" in said
    assert "await run_in_threadpool(Printer(order).codes)" in (whole / "main.py").read_text()
    assert _answers(whole) == before
    done = tree(whole)
    migrate(whole, EVERYTHING)
    assert tree(whole) == done, "a second run changes nothing"
    for number, route in enumerate(routes_of(tmp_path / "before")):
        folder = _written(tmp_path / str(number), text)
        migrate(folder, Selection(routes=(route,)))
        assert _answers(folder) == before, route
        migrate(folder, EVERYTHING)
        assert tree(folder) == done, f"{route} first"


def test_rows_beside_kept_objects_are_reported(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(_MODELS + _KEPT)
    said = write(tmp_path, "--all")
    places = [line for line in said.splitlines() if "MA511" in line]
    assert len(places) == 2
    assert "Service.add adds, deletes or moves Item rows" in places[0]
    assert "Service.add_flush adds, deletes or moves Item rows" in places[1]
