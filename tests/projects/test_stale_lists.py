"""Objects in lists, dicts and attributes that are written, committed and read.

A sync session read each of them anew, as the database keeps it: a price with two digits, a time
without a zone. Executed before the migration, after all of it and after each single route.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.config import Settings
from migrate_async.model.plan import Step
from migrate_async.model.selection import EVERYTHING, Selection
from migrate_async.plan.planner import make_plan
from support.databases import fresh_database
from support.http_sequence import replay
from support.migration import tree
from support.projects import project
from support.route_by_route import migrate, routes_of

_APPLICATION = '''\
import os
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Generic, TypeVar

from fastapi import Depends, FastAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy import JSON, Column, DateTime, ForeignKey, Integer, Numeric, String, create_engine
from sqlalchemy.orm import Session, declarative_base, relationship, sessionmaker

engine = create_engine(os.environ["DATABASE_URL"])
SessionLocal = sessionmaker(engine)
Base = declarative_base()
app = FastAPI()
AT = datetime(2024, 5, 1, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=2)))


class Owner(Base):
    __tablename__ = "owners"
    id = Column(Integer, primary_key=True)
    name = Column(String)
    at = Column(DateTime, onupdate=lambda: AT)
    boxes = relationship("Box", back_populates="owner", order_by="Box.id")


class Box(Base):
    __tablename__ = "boxes"
    id = Column(Integer, primary_key=True)
    at = Column(DateTime)
    price = Column(Numeric(10, 2))
    data = Column(JSON)
    owner_id = Column(ForeignKey("owners.id"))
    owner = relationship(Owner, back_populates="boxes")


class BoxOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    at: datetime | None
    price: Decimal | None


class OwnerOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    boxes: list[BoxOut]


class Holder:
    def __init__(self, box: Box):
        self.box = box


class Service:
    def __init__(self, db: Session):
        self.db = db

    def save(self):
        self.db.commit()

    def create_all(self, number: int) -> list[Box]:
        made = [Box(price=price()) for _ in range(number)]
        self.db.add_all(made)
        self.save()
        return made


ModelT = TypeVar("ModelT", bound=Base)


class Repository(Generic[ModelT]):
    def __init__(self, model: type[ModelT]):
        self.model = model

    def update_all(self, db: Session, values: dict) -> list[ModelT]:
        found = db.query(self.model).order_by(self.model.id).limit(2).all()
        for item in found:
            for key, value in values.items():
                setattr(item, key, value)
        db.commit()
        return found

    def make_all(self, db: Session, prices):
        made = []
        for value in prices:
            item = self.model(price=value)
            db.add(item)
            made.append(item)
        db.commit()
        return made


boxes_of = Repository(Box)


def get_db():
    with SessionLocal() as db:
        yield db


@app.on_event("startup")
def fill():
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    with SessionLocal() as db:
        boxes = [Box(price=1, data={"seen": 0}) for _ in range(3)]
        db.add(Owner(name="ann", boxes=boxes))
        db.commit()


def price():
    """One that is not in the table before."""
    price.last += 1
    return Decimal(price.last) + Decimal("0.239")


price.last = 0


def show(box):
    return [str(box.at), str(box.price)]


def some(db: Session, number: int = 3) -> list[Box]:
    return db.query(Box).order_by(Box.id).limit(number).all()


def write_all(boxes):
    for box in boxes:
        box.at = AT
        box.price = price()


def save_all(db: Session, boxes: list[Box]):
    write_all(boxes)
    db.commit()


@app.post("/in-a-loop", response_model=list[BoxOut])
def in_a_loop(db: Session = Depends(get_db)):
    boxes = db.query(Box).order_by(Box.id).limit(3).all()
    for box in boxes:
        box.at = AT
        box.price = price()
    db.commit()
    return boxes


@app.post("/collected")
def collected(db: Session = Depends(get_db)):
    found = []
    for box in db.query(Box).order_by(Box.id).limit(3):
        box.price = price()
        found.append(box)
    db.commit()
    return [show(box) for box in found]


@app.post("/all-added", response_model=list[BoxOut])
def all_added(db: Session = Depends(get_db)):
    boxes = [Box(at=AT, price=price()) for _ in range(2)]
    db.add_all(boxes)
    db.commit()
    return boxes


@app.post("/added-one-by-one")
def added_one_by_one(db: Session = Depends(get_db)):
    boxes = []
    for _ in range(2):
        boxes.append(Box(at=AT, price=price()))
    for box in boxes:
        db.add(box)
    db.commit()
    return [show(box) for box in boxes]


@app.post("/committed-in-the-loop")
def committed_in_the_loop(db: Session = Depends(get_db)):
    boxes = some(db)
    for box in boxes:
        box.price = price()
        db.commit()
    return [show(box) for box in boxes]


def make(db: Session):
    box = Box(price=price())
    db.add(box)
    db.commit()
    return box


@app.post("/made-one-by-one")
def made_one_by_one(db: Session = Depends(get_db)):
    made = []
    for _ in range(3):
        made.append(make(db))
    return [show(box) for box in made]


@app.post("/by-a-helper")
def by_a_helper(db: Session = Depends(get_db)):
    boxes = some(db)
    write_all(boxes)
    db.commit()
    return [show(box) for box in boxes]


@app.post("/saved-by-a-helper")
def saved_by_a_helper(db: Session = Depends(get_db)):
    boxes = some(db)
    save_all(db, boxes)
    return [show(box) for box in boxes]


@app.post("/by-a-service", response_model=list[BoxOut])
def by_a_service(db: Session = Depends(get_db)):
    return Service(db).create_all(2)


@app.post("/in-a-dict")
def in_a_dict(db: Session = Depends(get_db)):
    boxes = {number: db.get(Box, number) for number in (1, 2, 2000)}
    for box in boxes.values():
        if box is not None:
            box.price = price()
    db.commit()
    return {number: box and show(box) for number, box in boxes.items()}


@app.post("/the-rest")
def the_rest(db: Session = Depends(get_db)):
    first, *rest = some(db)
    for box in rest:
        box.price = price()
    db.commit()
    return [show(first), *map(show, rest)]


@app.post("/one-of-a-list")
def one_of_a_list(db: Session = Depends(get_db)):
    boxes = some(db)
    boxes[0].price = price()
    db.commit()
    return show(boxes[0])


@app.post("/one-deleted")
def one_deleted(db: Session = Depends(get_db)):
    made = [Box(price=price()) for _ in range(2)]
    db.add_all(made)
    db.flush()
    for box in made:
        box.price = price()
    db.delete(made[0])
    db.commit()
    return show(made[1])


@app.post("/of-a-relationship", response_model=OwnerOut)
def of_a_relationship(db: Session = Depends(get_db)):
    owner = db.query(Owner).first()
    for box in owner.boxes:
        box.at = AT
        box.price = price()
    db.commit()
    return owner


@app.post("/one-of-a-relationship")
def one_of_a_relationship(db: Session = Depends(get_db)):
    owner = db.query(Owner).first()
    first = owner.boxes[0]
    owner.boxes[0].price = price()
    db.commit()
    return [show(first), show(owner.boxes[0])]


@app.post("/of-another-object")
def of_another_object(db: Session = Depends(get_db)):
    box = db.query(Box).order_by(Box.id).first()
    box.owner.name = f"{box.owner.name}."
    db.commit()
    return str(box.owner.at)


@app.post("/kept-by-an-object")
def kept_by_an_object(db: Session = Depends(get_db)):
    holder = Holder(db.query(Box).order_by(Box.id).first())
    holder.box.price = price()
    db.commit()
    return show(holder.box)


@app.post("/appended")
def appended(db: Session = Depends(get_db)):
    owner = db.query(Owner).first()
    box = Box(at=AT, price=price())
    owner.boxes.append(box)
    db.commit()
    return show(box)


@app.post("/never-added")
def never_added(db: Session = Depends(get_db)):
    box = Box(at=AT, price=price())
    shown = [box]
    db.commit()
    return [show(box) for box in shown]


@app.post("/by-a-statement")
def by_a_statement(db: Session = Depends(get_db)):
    box = db.query(Box).order_by(Box.id).first()
    db.query(Box).filter(Box.id == box.id).update({"price": price()})
    db.commit()
    return show(box)


@app.post("/in-a-block")
def in_a_block(db: Session = Depends(get_db)):
    with db.begin():
        box = db.query(Box).order_by(Box.id).first()
        box.price = price()
        boxes = some(db)
        boxes[1].price = price()
    return [show(box), *map(show, boxes)]


@app.post("/inside-of-a-value")
def inside_of_a_value(db: Session = Depends(get_db)):
    box = db.query(Box).order_by(Box.id).first()
    box.data["seen"] = 1
    db.commit()
    return box.data


@app.post("/in-a-comprehension")
def in_a_comprehension(db: Session = Depends(get_db)):
    boxes = some(db)
    [setattr(box, "price", price()) for box in boxes]
    db.commit()
    return [show(box) for box in boxes]


@app.post("/of-relationships", response_model=list[OwnerOut])
def of_relationships(db: Session = Depends(get_db)):
    owners = db.query(Owner).all()
    for owner in owners:
        for box in owner.boxes:
            box.price = price()
    db.commit()
    return owners


@app.post("/of-a-query")
def of_a_query(db: Session = Depends(get_db)):
    owners = db.query(Owner)
    for owner in owners:
        for box in owner.boxes:
            box.price = price()
    db.commit()
    return owners is not None


@app.post("/generic", response_model=list[BoxOut])
def generic(db: Session = Depends(get_db)):
    return [*boxes_of.update_all(db, {"price": price()}), *boxes_of.make_all(db, [price()])]


@app.post("/two-at-once")
def two_at_once(db: Session = Depends(get_db)):
    first, second = some(db, 2)
    first.price, second.price = price(), price()
    db.commit()
    return [show(first), show(second)]
'''


def _write(folder: Path) -> Path:
    folder.mkdir()
    (folder / "main.py").write_text(_APPLICATION, encoding="utf-8")
    return folder


def _requests() -> list[dict[str, str]]:
    paths = [line.split('"')[1] for line in _APPLICATION.splitlines() if line[:10] == "@app.post("]
    return [{"method": "POST", "path": path} for path in paths]


def test_what_is_in_lists_dicts_and_attributes_is_read_anew(tmp_path: Path) -> None:
    folder = _write(tmp_path / "app")
    requests = _requests()
    expected = replay(folder, requests, app="main:app")
    assert not [answer for answer in expected if answer["status"] != 200]
    migrate(folder, EVERYTHING)
    found = replay(folder, requests, app="main:app")
    assert not [
        (request["path"], after, before)
        for request, after, before in zip(requests, found, expected, strict=True)
        if after != before
    ]
    done = tree(folder)
    migrate(folder, EVERYTHING)
    assert tree(folder) == done, "a second run changes nothing"


async def test_on_postgresql(tmp_path: Path) -> None:
    """There the time of a column without a zone is that of the session's zone."""
    folder = _write(tmp_path / "app")
    async with fresh_database("postgresql", tmp_path) as url:
        env = {"DATABASE_URL": url}
        expected = replay(folder, _requests(), app="main:app", env=env)
        assert expected[0]["json"][0]["at"] == "2024-05-01T10:00:00.123456"
        migrate(folder, EVERYTHING)
        assert replay(folder, _requests(), app="main:app", env=env) == expected


def test_each_route_alone(tmp_path: Path) -> None:
    folder = _write(tmp_path / "app")
    requests = _requests()
    expected = replay(folder, requests, app="main:app")
    for route in routes_of(folder):
        migrate(folder, Selection(routes=(route,)))
        assert replay(folder, requests, app="main:app") == expected, route
    whole = _write(tmp_path / "whole")
    migrate(whole, EVERYTHING)
    migrate(folder, EVERYTHING)
    assert tree(folder) == tree(whole)


_LEFT = {
    "rows": (
        """rows = db.query(Box, Owner).join(Owner).all()
    for box, _ in rows:
        box.price = price()""",
        "rows",
    ),
    "lists in a dict that says nothing": (
        """boxes = {}
    for box in db.query(Box):
        box.price = price()
        boxes.setdefault(box.owner_id, []).append(box)""",
        "boxes",
    ),
    "tuples": (
        """boxes = []
    for box in db.query(Box).all():
        box.price = price()
        boxes.append((box, 1))""",
        "boxes",
    ),
    "lists in a dict": (
        """boxes: dict[int, list[Box]] = {1: some(db)}
    for box in boxes[1]:
        box.price = price()""",
        "boxes",
    ),
}


@pytest.mark.parametrize(("change", "name"), _LEFT.values(), ids=_LEFT)
def test_what_no_loop_refreshes_is_told(change: str, name: str) -> None:
    route = f"""

@app.post("/left")
def left(db: Session = Depends(get_db)):
    {change}
    db.commit()
    return str({name})
"""
    files = {"main.py": _APPLICATION + route}
    found = make_plan(project(files), Step.ALL, Settings()).diagnostics
    assert [item.code for item in found if item.line > _APPLICATION.count("\n")] == ["MA516"]
    silent = {"main.py": _APPLICATION + route.replace(f"str({name})", "1")}
    found = make_plan(project(silent), Step.ALL, Settings()).diagnostics
    assert "MA516" not in [item.code for item in found]


def test_the_session_of_an_object_holds_none() -> None:
    """`self.db.add(box)` puts nothing into `self`."""
    service = """

class Boxes:
    def __init__(self, db: Session):
        self.db = db

    def add(self) -> Box:
        box = Box(price=price())
        self.db.add(box)
        self.db.commit()
        self.db.refresh(box)
        return box


@app.post("/left")
def left(db: Session = Depends(get_db)):
    return str(Boxes(db).add().price)
"""
    found = make_plan(
        project({"main.py": _APPLICATION + service}), Step.ALL, Settings()
    ).diagnostics
    assert "MA516" not in [item.code for item in found]


def test_a_list_that_a_loop_fills_is_refreshed_once(tmp_path: Path) -> None:
    folder = _write(tmp_path / "app")
    migrate(folder, EVERYTHING)
    text = (folder / "main.py").read_text(encoding="utf-8")
    assert (
        """\
        made.append(await make(db))
    for made_item in made:
        if made_item is not None and made_item in db and not db.is_modified(made_item):
            await db.refresh(made_item)
"""
        in text
    )


def test_what_a_callee_commits_with_a_session_of_its_own_is_told() -> None:
    route = """

class Prices:
    def __init__(self, db: Session):
        self.db = db

    def raise_all(self):
        for box in self.db.query(Box):
            box.price = price()
        self.db.commit()


def get_prices(db: Session = Depends(get_db)) -> Prices:
    return Prices(db)


@app.post("/left")
def left(prices: Prices = Depends(get_prices), boxes: list[Box] = Depends(some)):
    prices.raise_all()
    return [box.price for box in boxes]
"""
    found = make_plan(project({"main.py": _APPLICATION + route}), Step.ALL, Settings()).diagnostics
    assert [item.code for item in found if item.line > _APPLICATION.count("\n")] == ["MA516"]


def test_a_factory_that_keeps_its_objects(tmp_path: Path) -> None:
    """With `expire_on_commit=False` a commit only flushes, also before."""
    folder = _write(tmp_path / "app")
    keeping = "sessionmaker(engine, expire_on_commit=False)"
    text = _APPLICATION.replace("sessionmaker(engine)", keeping)
    (folder / "main.py").write_text(text, encoding="utf-8")
    requests = [{"method": "POST", "path": f"/{name}"} for name in _KEPT]
    expected = replay(folder, requests, app="main:app")
    assert expected[0]["json"][0]["price"] == "1.239"
    migrate(folder, EVERYTHING)
    assert replay(folder, requests, app="main:app") == expected


_KEPT = ("in-a-loop", "all-added", "by-a-helper", "the-rest", "one-of-a-list", "kept-by-an-object")
