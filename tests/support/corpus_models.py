"""Models and data that the query cases run on: small, but with every kind of mapping that matters.

Five joined rows of users and addresses for three users, a collection that is loaded by JOIN from
the mapping (`Order.lines`), a composite key, a tree, joined inheritance, a JSON column, and
relationships that are queries (`Shelf`).
"""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar

from sqlalchemy import JSON, Column, ForeignKey, Integer, String, Table, UniqueConstraint
from sqlalchemy.ext.asyncio import AsyncAttrs
from sqlalchemy.orm import (
    DeclarativeBase,
    DynamicMapped,
    Mapped,
    Session,
    mapped_column,
    relationship,
)


class Base(AsyncAttrs, DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50))
    email: Mapped[str] = mapped_column(String(50), unique=True)
    nickname: Mapped[str | None] = mapped_column(String(50), unique=True)
    age: Mapped[int | None]
    active: Mapped[bool] = mapped_column(default=True)
    years: Mapped[int] = mapped_column("years_here", default=0)

    addresses: Mapped[list[Address]] = relationship(back_populates="user", order_by="Address.id")
    orders: Mapped[list[Order]] = relationship(back_populates="user", order_by="Order.id")


class Address(Base):
    __tablename__ = "addresses"
    __table_args__ = (UniqueConstraint("street", "city"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    street: Mapped[str] = mapped_column(String(50))
    city: Mapped[str] = mapped_column(String(50))
    name: Mapped[str] = mapped_column(String(50), default="home")
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))

    user: Mapped[User] = relationship(back_populates="addresses")


class Item(Base):
    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(50))
    price: Mapped[int]


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    placed: Mapped[date]
    status: Mapped[str] = mapped_column(String(20))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))

    user: Mapped[User] = relationship(back_populates="orders")
    lines: Mapped[list[OrderLine]] = relationship(
        back_populates="order", lazy="joined", order_by="OrderLine.item_id"
    )


class OrderLine(Base):
    __tablename__ = "order_lines"

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id"), primary_key=True)
    pieces: Mapped[int] = mapped_column(default=1)

    order: Mapped[Order] = relationship(back_populates="lines")
    item: Mapped[Item] = relationship()


class Node(Base):
    __tablename__ = "nodes"

    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(String(20))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("nodes.id"))

    children: Mapped[list[Node]] = relationship(back_populates="parent", order_by="Node.id")
    parent: Mapped[Node | None] = relationship(back_populates="children", remote_side="Node.id")


class Employee(Base):
    __tablename__ = "employees"
    __mapper_args__: ClassVar[dict[str, str]] = {
        "polymorphic_on": "kind",
        "polymorphic_identity": "employee",
    }

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(50))


class Manager(Employee):
    __tablename__ = "managers"
    __mapper_args__: ClassVar[dict[str, str]] = {"polymorphic_identity": "manager"}

    id: Mapped[int] = mapped_column(ForeignKey("employees.id"), primary_key=True)
    bonus: Mapped[int] = mapped_column(default=0)


class Document(Base):
    __tablename__ = "documents"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(50))
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))

    owner: Mapped[User] = relationship()


shelf_labels = Table(
    "shelf_labels",
    Base.metadata,
    Column("id", Integer, primary_key=True),
    Column("shelf_id", ForeignKey("shelves.id")),
    Column("label_id", ForeignKey("labels.id")),
)


class Shelf(Base):
    __tablename__ = "shelves"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20))

    books: DynamicMapped[Book] = relationship(
        back_populates="shelf", order_by="Book.title.desc()", cascade="all, delete-orphan"
    )
    labels: DynamicMapped[Label] = relationship(
        secondary=shelf_labels, order_by=shelf_labels.c.id.desc()
    )


class Book(Base):
    __tablename__ = "books"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(20))
    shelf_id: Mapped[int] = mapped_column(ForeignKey("shelves.id"))

    shelf: Mapped[Shelf] = relationship(back_populates="books")


class Label(Base):
    __tablename__ = "labels"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20))


def seed(db: Session) -> None:
    """Fill the empty tables."""
    ann = User(id=1, name="ann", email="ann@x.org", nickname="annie", age=31, years=3)
    bob = User(id=2, name="bob", email="bob@x.org", age=25, years=1)
    cid = User(id=3, name="cid", email="cid@x.org", age=None, active=False, years=7)
    dee = User(id=4, name="dee", email="dee@x.org", age=31, years=2)
    ann.addresses = [
        Address(id=1, street="A 1", city="Rome"),
        Address(id=2, street="B 2", city="Rome", name="work"),
        Address(id=3, street="C 3", city="Oslo", name="ann"),
    ]
    bob.addresses = [Address(id=4, street="D 4", city="Oslo")]
    cid.addresses = [Address(id=5, street="E 5", city="Rome")]
    items = [Item(id=n, title=f"item {n}", price=100 * n) for n in (1, 2, 3)]
    first = Order(id=1, placed=date(2026, 1, 2), status="paid", user=ann)
    second = Order(id=2, placed=date(2026, 1, 3), status="open", user=ann)
    third = Order(id=3, placed=date(2026, 2, 1), status="paid", user=bob)
    first.lines = [OrderLine(item=items[0], pieces=2), OrderLine(item=items[1], pieces=1)]
    second.lines = [OrderLine(item=items[2], pieces=5)]
    third.lines = [OrderLine(item=items[0], pieces=1), OrderLine(item=items[2], pieces=3)]
    root = Node(id=1, label="root")
    root.children = [Node(id=2, label="left"), Node(id=3, label="right")]
    root.children[0].children = [Node(id=4, label="leaf")]
    db.add_all([ann, bob, cid, dee, *items, first, second, third, root])
    db.add_all([Employee(id=1, name="eve"), Manager(id=2, name="max", bonus=10)])
    red, blue = Label(id=1, name="red"), Label(id=2, name="blue")
    upper, lower = Shelf(id=1, name="upper"), Shelf(id=2, name="lower")
    for number, title in enumerate(("Emma", "Ulysses", "Dracula"), start=1):
        upper.books.append(Book(id=number, title=title))
    lower.books.append(Book(id=4, title="Emma"))
    for label in (red, blue, red):  # one of them twice
        upper.labels.append(label)
    db.add_all([upper, lower])
    db.flush()
    db.add_all(
        [
            Document(id=1, title="one", data={"tags": ["a"]}, owner_id=1),
            Document(id=2, title="two", data={"tags": ["a"]}, owner_id=1),
            Document(id=3, title="three", data={}, owner_id=2),
        ]
    )
    db.commit()
