"""Responses that load as they are read: deep ones, and those of objects from nobody knows where.

Executed before the migration, after all of it and after each single route.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from migrate_async.model.selection import EVERYTHING, Selection
from support.http_sequence import replay
from support.migration import own_tests, tree
from support.route_by_route import migrate, routes_of

MODELS = """\
import os

from sqlalchemy import Column, ForeignKey, Integer, String, create_engine
from sqlalchemy.orm import declarative_base, relationship, sessionmaker

engine = create_engine(os.environ["DATABASE_URL"], pool_size=1, max_overflow=0)
SessionLocal = sessionmaker(engine)
Base = declarative_base()


class Shop(Base):
    __tablename__ = "shops"
    id = Column(Integer, primary_key=True)
    name = Column(String)
    owner_id = Column(ForeignKey("people.id"))
    owner = relationship("Person")
    orders = relationship("Order", back_populates="shop")
    visits = relationship("Visit", lazy="dynamic")


class Person(Base):
    __tablename__ = "people"
    id = Column(Integer, primary_key=True)
    name = Column(String)
    town_id = Column(ForeignKey("towns.id"))
    town = relationship("Town")


class Town(Base):
    __tablename__ = "towns"
    id = Column(Integer, primary_key=True)
    name = Column(String)
    mayor_id = Column(ForeignKey("people.id"))
    mayor = relationship("Person", foreign_keys=mayor_id, primaryjoin="Town.mayor_id == Person.id")


Person.town.property  # configured with the keys that lead both ways


class Order(Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
    shop_id = Column(ForeignKey("shops.id"))
    shop = relationship("Shop", back_populates="orders")
    items = relationship("Item", order_by="Item.id")
    buyer_id = Column(ForeignKey("people.id"))
    buyer = relationship("Person")


class Item(Base):
    __tablename__ = "items"
    id = Column(Integer, primary_key=True)
    code = Column(String)
    order_id = Column(ForeignKey("orders.id"))
    maker_id = Column(ForeignKey("people.id"))
    maker = relationship("Person")


class Visit(Base):
    __tablename__ = "visits"
    id = Column(Integer, primary_key=True)
    shop_id = Column(ForeignKey("shops.id"))
""".replace(
    '"Town")', '"Town", foreign_keys=town_id, primaryjoin="Person.town_id == Town.id")'
).replace("\n\nPerson.town.property  # configured with the keys that lead both ways\n", "")

MAIN = """\
from fastapi import APIRouter, Depends, FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from models import Base, Item, Order, Person, SessionLocal, Shop, Town, Visit, engine

app = FastAPI()
router = APIRouter(prefix="/more")
COUNTED = {}


class Read(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int


class TownRead(Read):
    name: str


class PersonRead(Read):
    name: str
    town: TownRead | None


class ItemRead(Read):
    code: str
    maker: PersonRead | None


class OrderRead(Read):
    items: list[ItemRead]
    buyer: PersonRead | None


class ShopRead(Read):
    name: str
    owner: PersonRead | None
    orders: list[OrderRead]


class Visited(Read):
    visits: list[Read]


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


def counted(function):
    COUNTED[function.__name__] = 0
    return function


def shop_of(number: int, db: Session = Depends(get_db)):
    shop = db.get(Shop, number)
    if shop is None:
        raise HTTPException(404)
    db.commit()
    return shop


@app.on_event("startup")
def fill():
    Base.metadata.create_all(engine)
    db = SessionLocal()
    town = Town(name="Bath")
    ann, bob = Person(name="Ann", town=town), Person(name="Bob")
    items = [Item(code="a", maker=bob), Item(code="b", maker=ann)]
    orders = [Order(items=items, buyer=ann), Order()]
    db.add_all([Shop(name="First", owner=ann, orders=orders), Visit(shop_id=1), Visit(shop_id=1)])
    db.commit()
    db.close()


# deep: the attributes of six relationships
@app.get("/shops", response_model=list[ShopRead])
def shops(db: Session = Depends(get_db)):
    found = db.query(Shop).order_by(Shop.id).all()
    db.commit()
    return found


# a plain function that answers with what a dependency has loaded
@app.get("/shops/{number}", response_model=ShopRead)
@app.get("/stores/{number}", response_model=ShopRead)
def shop(shop=Depends(shop_of)):
    return shop


# the handler fills the response
@app.get("/filled")
def filled(db: Session = Depends(get_db)):
    found = db.query(Shop).order_by(Shop.id).all()
    db.commit()
    return [ShopRead.model_validate(shop) for shop in found]


# a row that is added by foreign key, after the object
@app.post("/shops/{number}/orders", response_model=ShopRead)
def add_order(number: int, db: Session = Depends(get_db)):
    found = db.get(Shop, number)
    db.add(Order(shop_id=found.id))
    db.flush()
    return found


# an object that nobody knows the type of
def by_name(model, db):
    return db.query(globals()[model]).first()


@app.get("/first/{model}", response_model=OrderRead)
def first(model: str, db: Session = Depends(get_db)):
    return by_name(model, db)


# a relationship that is a query
@router.get("/visits", response_model=Visited)
def visits(db: Session = Depends(get_db)):
    return db.query(Shop).first()


# a decorator that keeps it sync, and no decorator of a route
@router.get("/counted/{number}", response_model=OrderRead)
@counted
def counted_order(number: int, db: Session = Depends(get_db)):
    found = by_name("Order", db)
    return found


def added(number: int, db: Session = Depends(get_db)):
    found = by_name("Order", db)
    return found


router.add_api_route("/added/{number}", added, response_model=OrderRead)


# few attributes are awaited
@router.get("/people", response_model=list[PersonRead])
def people(db: Session = Depends(get_db)):
    found = db.query(Person).order_by(Person.id).all()
    db.commit()
    return found


app.include_router(router)
"""
PATHS = (
    *("/shops", "/shops/1", "/stores/1", "/shops/7", "/first/Order", "/first/Item", "/filled"),
    *("/more/visits", "/more/counted/1", "/more/added/1", "/more/people"),
)
REQUESTS = [
    *({"method": "GET", "path": path} for path in PATHS),
    {"method": "POST", "path": "/shops/1/orders"},
    *({"method": "GET", "path": path} for path in PATHS),
]


def test_responses_load_what_they_read(tmp_path: Path) -> None:
    before = _written(tmp_path / "before")
    expected = _answers(before, "sqlite")
    assert [answer["status"] for answer in expected[: len(PATHS)]] == [
        *(200, 200, 200, 404, 200, 500, 200),
        *(200, 200, 200, 200),
    ]
    assert len(expected[0]["json"][0]["orders"][0]["items"]) == 2

    after = _written(tmp_path / "after")
    migrate(after, EVERYTHING)
    assert _answers(after, "sqlite+aiosqlite") == expected
    done = tree(after)
    migrate(after, EVERYTHING)
    assert tree(after) == done, "a second run changes nothing"
    assert 'lazy="selectin"' not in done["models.py"].decode(), "others load what they did"

    code = done["main.py"].decode()
    lazy = [part.split("\n", 2)[1] for part in code.split("@lazy_response")[1:]]
    assert [line.partition("(")[0].split()[-1] for line in lazy] == [
        *("shops", "shop", "filled", "add_order", "first", "visits", "added")
    ]
    assert "for found_item in found:\n        await found_item.awaitable_attrs.town\n" in code


@pytest.mark.parametrize("seed", [1, 2])
def test_each_state_answers_alike(seed: int, tmp_path: Path) -> None:
    expected = _answers(_written(tmp_path / "before"), "sqlite")
    folder = _written(tmp_path / "after")
    routes = routes_of(folder)
    random.Random(seed).shuffle(routes)  # noqa: S311  an order, no secret
    for route in routes:
        migrate(folder, Selection(routes=(route,)))
        assert _answers(folder, "sqlite+aiosqlite") == expected, route
    migrate(folder, EVERYTHING)
    at_once = _written(tmp_path / "once")
    migrate(at_once, EVERYTHING)
    assert tree(folder) == tree(at_once)


def test_a_project_may_want_all_loaded_before(tmp_path: Path) -> None:
    folder = _written(tmp_path)
    (folder / "pyproject.toml").write_text('[tool.migrate-async]\nresponses = "loaded"\n')
    migrate(folder, EVERYTHING)
    done = tree(folder)
    assert "lazy_response" not in done["main.py"].decode()
    assert 'lazy="selectin"' in done["models.py"].decode()


_WITHOUT_FACTORY = """\
def get_db():
    with Session(engine) as db:
        yield db


def counted("""


def test_a_plain_route_stays_one_where_threads_cannot_load(tmp_path: Path) -> None:
    """Nobody else may call it: `lazy_response` makes a coroutine function of it."""
    main = MAIN.replace(MAIN[MAIN.index("def get_db") : MAIN.index("def counted")], "")
    main = main.replace("def counted(", _WITHOUT_FACTORY)
    found = []
    for name, extra in (("alone", ""), ("called", "\n\ndef twice(one):\n    return shop(one)\n")):
        folder = _written(tmp_path / name)
        (folder / "main.py").write_text(main + extra)
        expected = _answers(folder, "sqlite")
        migrate(folder, EVERYTHING)
        assert _answers(folder, "sqlite+aiosqlite") == expected
        found.append("@lazy_response\ndef shop(" in tree(folder)["main.py"].decode())
    assert found == [True, False]


def _written(folder: Path, extra: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "models.py").write_text(MODELS)
    (folder / "main.py").write_text(MAIN + extra)
    return folder


def _answers(folder: Path, driver: str) -> list[dict[str, Any]]:
    return replay(folder, REQUESTS, app="main:app", driver=driver)


TEST = """\
import os

os.environ["DATABASE_URL"] = "sqlite:///shop.db"

import pytest
from models import Base, Order, Person, SessionLocal, Shop, engine


@pytest.fixture
def db():
    Base.metadata.drop_all(bind=engine)
    Base.metadata.create_all(bind=engine)
    session = SessionLocal()
    yield session
    session.close()


def test_properties(db):
    shop = Shop(name="Second", orders=[Order(buyer=Person(name="Cy"))])
    db.add(shop)
    db.commit()
    assert shop.buyers == ["Cy"]
    names = [shop.buyers for shop in db.query(Shop).all()]
    assert names == [["Cy"]]
"""
BUYERS = """

    @property
    def buyers(self):
        return [order.buyer.name for order in self.orders]
"""


def test_tests_await_what_they_read_through_properties(tmp_path: Path) -> None:
    """No mapping changes for them."""
    folder = _written(tmp_path)
    models = MODELS.replace("\n\n\nclass Person", BUYERS + "\n\nclass Person")
    (folder / "models.py").write_text(models)
    (folder / "test_shop.py").write_text(TEST)
    before = own_tests(folder)
    assert before.returncode == 0, before.stdout
    migrate(folder, EVERYTHING)
    code = tree(folder)["test_shop.py"].decode()
    assert "await order.awaitable_attrs.buyer" in code
    assert 'lazy="selectin"' not in tree(folder)["models.py"].decode()
    after = own_tests(folder)
    assert after.returncode == 0, after.stdout
