"""Reads of ORM objects whose outcome depends on what is loaded."""

from __future__ import annotations

import pytest

from migrate_async.config import Settings
from migrate_async.model.plan import Step
from migrate_async.plan.planner import make_plan
from support.projects import project

APPLICATION = """\
from fastapi import Depends, FastAPI
from sqlalchemy import Column, ForeignKey, Integer, String, create_engine
from sqlalchemy.orm import Session, declarative_base, sessionmaker

SessionLocal = sessionmaker(bind=create_engine("sqlite://"))
Base = declarative_base()
app = FastAPI()


class Product(Base):
    __tablename__ = "products"
    id = Column(Integer, primary_key=True)
    kind = Column(String)
    __mapper_args__ = {{"polymorphic_on": kind}}


class Book(Product):
    __tablename__ = "books"
    id = Column(ForeignKey("products.id"), primary_key=True)
    pages = Column(Integer)


class Note(Base):
    __tablename__ = "notes"
    id = Column(Integer, primary_key=True)


def get_db():
    with SessionLocal() as db:
        yield db


def shown(product: Product, note: Note):
    return {expression}


@app.get("/products/{{id}}")
def read(id: int, db: Session = Depends(get_db)):
    return shown(db.get(Product, id), db.get(Note, id))
"""


def found(expression: str) -> list[str]:
    files = {"app/main.py": APPLICATION.format(expression=expression)}
    plan = make_plan(project(files), Step.ALL, Settings())
    return [item.message for item in plan.diagnostics if item.code == "MA507"]


@pytest.mark.parametrize(
    "expression",
    [
        "[getattr(product, name) for name in ('id', 'pages')]",
        "note.__dict__",
        "dict(**product.__dict__)",
    ],
)
def test_it_is_reported(expression: str) -> None:
    assert len(found(expression)) == 1


@pytest.mark.parametrize(
    "expression",
    [
        "getattr(product, 'id')",
        "[getattr(note, name) for name in ('id',)]",
        "product.id",
        "app.__dict__",
    ],
)
def test_what_cannot_load_is_not(expression: str) -> None:
    assert not found(expression)
