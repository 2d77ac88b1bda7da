"""Reads of ORM objects whose outcome depends on what is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.config import Settings
from migrate_async.model.plan import Step
from migrate_async.model.selection import EVERYTHING
from migrate_async.plan.planner import make_plan
from support.http_sequence import replay
from support.projects import project
from support.route_by_route import migrate

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
    __mapper_args__ = {mapping}


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


def found(expression: str, mapping: str = "make_arguments()") -> list[str]:
    text = APPLICATION.format(expression=expression, mapping=mapping)
    files = {"app/main.py": text}
    plan = make_plan(project(files), Step.ALL, Settings())
    return [item.message for item in plan.diagnostics if item.code == "MA507"]


@pytest.mark.parametrize(
    "expression",
    [
        "[getattr(product, name) for name in ('id', 'pages')]",
        "note.__dict__",
        "vars(note)",
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


def test_what_the_mapping_can_load_is_not() -> None:
    by_name = "[getattr(product, name) for name in ('id', 'pages')]"
    assert found(by_name, '{"polymorphic_identity": "book"}') == []
    assert found(by_name, '{"polymorphic_identity": "book", "concrete": True}') != []


SHOP = """\
import os

from fastapi import Depends, FastAPI
from sqlalchemy import Column, ForeignKey, Integer, String, create_engine
from sqlalchemy.orm import Session, declarative_base, sessionmaker

engine = create_engine(os.environ.get("DATABASE_URL", "sqlite:///shop.db"))
SessionLocal = sessionmaker(bind=engine)
Base = declarative_base()
app = FastAPI()


class Product(Base):
    __tablename__ = "products"
    id = Column(Integer, primary_key=True)
    name = Column(String)
    kind = Column(String)

    __mapper_args__ = {"polymorphic_identity": "product", "polymorphic_on": kind}


class Book(Product):
    __tablename__ = "books"
    id = Column(ForeignKey("products.id"), primary_key=True)
    pages = Column(Integer)

    __mapper_args__ = {
        "polymorphic_identity": "book",
    }


class Novel(Book):
    __tablename__ = "novels"
    id = Column(ForeignKey("books.id"), primary_key=True)
    hero = Column(String)

    __mapper_args__ = {"polymorphic_identity": "novel"}


class Game(Product):
    __tablename__ = "games"
    id = Column(ForeignKey("products.id"), primary_key=True)
    players = Column(Integer)

    __mapper_args__ = {"polymorphic_identity": "game"}


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


@app.on_event("startup")
def fill():
    Base.metadata.create_all(bind=engine)
    db = SessionLocal()
    try:
        novel = Novel(id=2, name="N", pages=300, hero="Ann")
        db.add_all([Book(id=1, name="B", pages=100), novel, Game(id=3, name="G", players=4)])
        db.add(Product(id=4, name="P"))
        db.commit()
    finally:
        db.close()


def shown(product: Product):
    names = [column.key for column in product.__mapper__.column_attrs]
    return {name: getattr(product, name) for name in names}


@app.get("/products/{id}")
def read(id: int, db: Session = Depends(get_db)):
    return shown(db.query(Product).filter(Product.id == id).first())


@app.get("/got/{id}")
def got(id: int, db: Session = Depends(get_db)):
    return shown(db.get(Product, id))


@app.get("/products")
def read_all(db: Session = Depends(get_db)):
    return [shown(product) for product in db.query(Product).order_by(Product.id).all()]
"""


def test_columns_of_subclasses_give_the_same_answers(tmp_path: Path) -> None:
    paths = [f"/{kind}/{number}" for kind in ("products", "got") for number in range(1, 5)]
    requests = [{"method": "GET", "path": path} for path in [*paths, "/products"]]
    for name in ("before", "after"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "main.py").write_text(SHOP)
    migrate(tmp_path / "after", EVERYTHING)
    before = replay(tmp_path / "before", requests, app="main:app")
    after = replay(tmp_path / "after", requests, app="main:app", driver="sqlite+aiosqlite")
    assert {answer["status"] for answer in before} == {200}
    assert before[1]["json"]["hero"] == "Ann"
    assert after == before
    once = (tmp_path / "after" / "main.py").read_text()
    assert once.count('"polymorphic_load": "selectin"') == 3
    migrate(tmp_path / "after", EVERYTHING)
    assert (tmp_path / "after" / "main.py").read_text() == once
