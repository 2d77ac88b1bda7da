"""Collections that are set as a whole: of objects that are new, of others, and of either."""

from __future__ import annotations

from pathlib import Path

from migrate_async.model.selection import EVERYTHING
from support.http_sequence import replay
from support.route_by_route import migrate

_MAIN = """\
import os

from fastapi import Depends, FastAPI
from sqlalchemy import Column, ForeignKey, Integer, String, create_engine
from sqlalchemy.orm import Session, declarative_base, relationship, sessionmaker

engine = create_engine(os.environ.get("DATABASE_URL", "sqlite:///shop.db"))
SessionLocal = sessionmaker(bind=engine, autoflush=False)
Base = declarative_base()
app = FastAPI()


class Order(Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
    items = relationship("Item", cascade="all, delete-orphan", order_by="Item.name")


class Item(Base):
    __tablename__ = "items"
    id = Column(Integer, primary_key=True)
    name = Column(String)
    order_id = Column(ForeignKey("orders.id"))


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


@app.on_event("startup")
def fill():
    Base.metadata.create_all(bind=engine)
    with SessionLocal() as db:
        db.add(Order(id=1, items=[Item(name="old")]))
        db.commit()


@app.get("/items")
def items(db: Session = Depends(get_db)):
    return [[item.order_id, item.name] for item in db.query(Item).order_by(Item.name).all()]


@app.post("/new")
def new(db: Session = Depends(get_db)):
    order = Order()
    order.items = [Item(name="first")]
    db.add(order)
    db.commit()


@app.post("/known")
def known(db: Session = Depends(get_db)):
    order = db.get(Order, 1)
    order.items = [Item(name="other")]
    db.commit()


@app.post("/either/{id}")
def either(id: int, db: Session = Depends(get_db)):
    order = Order(id=id)
    if db.query(Order).filter(Order.id == id).count():
        order = db.get(Order, id)
    else:
        db.add(order)
    order.items = [Item(name="either")]
    db.commit()
"""

_POSTS = ("/new", "/known", "/either/1", "/either/7")


def test_what_a_collection_was_is_loaded_unless_its_object_is_new(tmp_path: Path) -> None:
    for name in ("before", "after"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "main.py").write_text(_MAIN)
    migrate(tmp_path / "after", EVERYTHING)
    requests = [
        {"method": method, "path": path}
        for post in _POSTS
        for method, path in (("POST", post), ("GET", "/items"))
    ]
    before = replay(tmp_path / "before", requests, app="main:app")
    after = replay(tmp_path / "after", requests, app="main:app", driver="sqlite+aiosqlite")
    assert [answer["status"] for answer in before] == [200] * len(requests)
    assert after == before
    text = (tmp_path / "after" / "main.py").read_text()
    assert text.count("    await order.awaitable_attrs.items\n") == 2
