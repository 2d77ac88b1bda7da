"""Which rows functions change, where the code names no single model."""

from __future__ import annotations

from migrate_async.plan.row_changes import DELETED, MOVED, Change, RowChanges
from support.projects import project

_APP = """\
from sqlalchemy import Column, ForeignKey, Integer, Table
from sqlalchemy.orm import Session, declarative_base, relationship

Base = declarative_base()
links = Table("links", Base.metadata, Column("one", ForeignKey("orders.id")))


class Kept(Base):
    __abstract__ = True

    @classmethod
    def forget(cls, db: Session):
        db.query(cls).filter(cls.id > 3).delete()

    @classmethod
    def move(cls, db: Session):
        db.query(cls).update({"order_id": 3})


class Order(Kept):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
    items = relationship("Item")
    linked = relationship("Item", secondary=links)


class Item(Kept):
    __tablename__ = "items"
    id = Column(Integer, primary_key=True)
    order_id = Column(ForeignKey("orders.id"))
"""


def test_rows_of_whatever_inherits_an_abstract_class() -> None:
    found = project({"app.py": _APP})
    changes = RowChanges(found)
    order = found.models["app.Order"]
    for name, kind in (("forget", DELETED), ("move", MOVED)):
        function = found.function(f"app.Kept.{name}")
        assert function is not None
        (change,) = changes.of(function)
        assert isinstance(change, Change)
        assert change.kind == kind
        for relationship in order.relationships.values():
            assert changes.is_shown(change, order.cls, relationship)
