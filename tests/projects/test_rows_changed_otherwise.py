"""Rows that change without an object being added, below a relationship that is loaded early.

By statements, by foreign keys that are set, in secondary tables, of one object only. The mapping
loads the relationships with their object from now on, before the rows change. Executed before the
migration, after all of it and after each single route.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.model.selection import EVERYTHING, Selection
from support.http_sequence import replay
from support.migration import tree
from support.route_by_route import migrate, routes_of

_MODELS = """\
import os

from fastapi import FastAPI
from sqlalchemy import Column, ForeignKey, Integer, String, Table, create_engine
from sqlalchemy import delete, insert, text, update
from sqlalchemy.orm import declarative_base, joinedload, relationship, selectinload
from sqlalchemy.orm import sessionmaker

engine = create_engine(os.environ["DATABASE_URL"])
SessionLocal = sessionmaker(engine)
Base = declarative_base()
app = FastAPI()
order_tags = Table(
    "order_tags",
    Base.metadata,
    Column("order_id", ForeignKey("orders.id"), primary_key=True),
    Column("tag_id", ForeignKey("tags.id"), primary_key=True),
)


class Customer(Base):
    __tablename__ = "customers"
    id = Column(Integer, primary_key=True)
    name = Column(String)


class Tag(Base):
    __tablename__ = "tags"
    id = Column(Integer, primary_key=True)
    name = Column(String)
    orders = relationship("Order", secondary=order_tags, viewonly=True)


class Order(Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
    customer_id = Column(ForeignKey("customers.id"))
    customer = relationship(Customer)
    items = relationship("Item")
    note = relationship("Note", uselist=False)
    tags = relationship(Tag, secondary=order_tags)


class Item(Base):
    __tablename__ = "items"
    id = Column(Integer, primary_key=True)
    code = Column(String)
    order_id = Column(ForeignKey("orders.id"))


class Note(Base):
    __tablename__ = "notes"
    id = Column(Integer, primary_key=True)
    text = Column(String)
    order_id = Column(ForeignKey("orders.id"))


class Printer:
    def __init__(self, order: Order):
        self.order = order

    def lines(self):
        order = self.order
        return {
            "items": sorted(item.code for item in order.items),
            "note": order.note.text if order.note else None,
            "tags": sorted(tag.name for tag in order.tags),
            "customer": order.customer.name if order.customer else None,
        }


Base.metadata.create_all(engine)


@app.post("/orders")
def add():
    with SessionLocal() as db:
        ann, tags = Customer(name="Ann"), [Tag(name="a"), Tag(name="b")]
        db.add(Order(customer=ann, items=[Item(code="a"), Item(code="b")], tags=tags))
        db.add(Customer(name="Ben"))
        db.add(Item(code="free"))
        db.add(Note(text="free"))
        db.commit()


"""

_ROUTE = """\
@app.post("/{path}/{{number}}")
def {name}(number: int):
    with SessionLocal() as db:
        order = db.get(Order, number)
{body}
        return Printer(order).lines()


"""
_STATEMENTS = {
    "insert": 'db.execute(insert(Item).values(code="x", order_id=order.id))',
    "insert-rows": 'db.execute(insert(Item), [{"code": "x", "order_id": order.id}])',
    "update": "db.execute(update(Item).where(Item.order_id == order.id).values(order_id=None))",
    "delete": "db.execute(delete(Item).where(Item.order_id == order.id))",
    "text": "db.execute(text(\"DELETE FROM items WHERE code = 'a'\"))",
    "query-delete": "db.query(Item).filter(Item.order_id == order.id).delete()",
    "query-update": 'db.query(Item).filter(Item.code == "b").update({"order_id": None})',
    "bulk-objects": 'db.bulk_save_objects([Item(code="x", order_id=order.id)])',
    "bulk-rows": 'db.bulk_insert_mappings(Item, [{"code": "x", "order_id": order.id}])',
    "note": 'db.execute(insert(Note).values(text="x", order_id=order.id))',
    "tag": "db.execute(order_tags.delete().where(order_tags.c.order_id == order.id))",
    "tag-insert": "db.execute(insert(order_tags).values(order_id=order.id, tag_id=3))",
    "customer": "db.execute(update(Order).where(Order.id == order.id).values(customer_id=2))",
}
_FLUSHED = {
    "key": 'db.query(Item).filter(Item.code == "free").first().order_id = order.id',
    "named-key": """item = db.query(Item).filter(Item.code == "free").first()
        item.order_id = order.id""",
    "note-object": 'db.add(Note(text="x", order_id=order.id))',
    "note-key": """note = db.query(Note).first()
        note.order_id = order.id""",
    "own-key": "order.customer_id = 2",
    "tag-object": "db.delete(db.query(Tag).filter(Tag.orders.any(id=order.id)).first())",
}


_LOADED = """\
@app.post("/{path}/{{number}}")
def {name}(number: int):
    with SessionLocal() as db:
        loads = [selectinload(Order.items), selectinload(Order.tags), joinedload(Order.note)]
        order = db.get(Order, number, options=[*loads, joinedload(Order.customer)])
{body}
        db.commit()
        lines = [item.code for item in order.items] + [tag.name for tag in order.tags]
        return [*sorted(lines), order.note and order.note.text, order.customer.name]


"""


def _app(statements: dict[str, str], ends: str = "", route: str = _ROUTE) -> str:
    return _MODELS + "".join(
        route.format(path=name, name="by_" + name.replace("-", "_"), body=f"        {body}{ends}")
        for name, body in statements.items()
    )


def _written(folder: Path, text: str) -> Path:
    folder.mkdir()
    (folder / "main.py").write_text(text)
    return folder


def _answers(folder: Path) -> list[object]:
    """Of each route, on an order of its own."""
    paths = [route.split()[1] for route in routes_of(folder)]
    requests = [
        {"method": "POST", "path": path.replace("{number}", str(number))}
        for number, path in enumerate(filter(lambda path: path != "/orders", paths), start=1)
        for path in ("/orders", path)
    ]
    return [requests, replay(folder, requests, app="main:app")]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(_app(_STATEMENTS), id="by statements"),
        pytest.param(_app(_FLUSHED, "\n        db.flush()"), id="flushed"),
        pytest.param(_app(_FLUSHED, "\n        db.commit()"), id="committed"),
    ],
)
def test_relationships_show_the_rows(text: str, tmp_path: Path) -> None:
    before = _answers(_written(tmp_path / "before", text))
    whole = _written(tmp_path / "whole", text)
    migrate(whole, EVERYTHING)
    assert 'lazy="selectin"' in (whole / "main.py").read_text()
    assert _answers(whole) == before
    done = tree(whole)
    migrate(whole, EVERYTHING)
    assert tree(whole) == done, "a second run changes nothing"
    folder = _written(tmp_path / "part", text)
    migrate(folder, Selection(routes=(routes_of(folder)[0],)))
    assert _answers(folder) == before
    migrate(folder, EVERYTHING)
    assert tree(folder) == done


def test_what_queries_have_loaded_shows_the_rows_after_a_commit(tmp_path: Path) -> None:
    text = _app({**_STATEMENTS, **_FLUSHED}, route=_LOADED)
    before = _answers(_written(tmp_path / "before", text))
    whole = _written(tmp_path / "whole", text)
    migrate(whole, EVERYTHING)
    assert _answers(whole) == before
