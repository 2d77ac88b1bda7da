"""A helper that makes pages of anything: what one route reads of them is not there in others."""

from __future__ import annotations

from pathlib import Path

from support.migration import printed_anew, tree, write

_MAIN = """\
from typing import Generic, TypeVar

from fastapi import Depends, FastAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ForeignKey, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Query, Session, mapped_column, relationship
from sqlalchemy.orm import sessionmaker

engine = create_engine("sqlite:///pages.db")
SessionLocal = sessionmaker(bind=engine)
T = TypeVar("T")


class Base(DeclarativeBase):
    pass


class Category(Base):
    __tablename__ = "categories"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Product(Base):
    __tablename__ = "products"
    id: Mapped[int] = mapped_column(primary_key=True)
    category_id: Mapped[int] = mapped_column(ForeignKey("categories.id"))
    category: Mapped[Category] = relationship()


class Out(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class CategoryOut(Out):
    name: str


class ProductOut(Out):
    id: int
    category: CategoryOut


class Page(BaseModel, Generic[T]):
    items: list[T]
    total: int


Base.metadata.create_all(engine)
app = FastAPI()


def get_db():
    with SessionLocal() as db:
        yield db


def paginate(query: Query):
    return {"items": query.limit(10).all(), "total": query.count()}


def named(db: Session):
    return db.query(Category).order_by(Category.id)


@app.get("/names")
def names(db: Session = Depends(get_db)):
    return [category.name for category in named(db)]


@app.post("/products/{name}")
def add(name: str, db: Session = Depends(get_db)):
    db.add(Product(category=Category(name=name)))
    db.commit()


@app.get("/categories", response_model=Page[CategoryOut])
def categories(db: Session = Depends(get_db)):
    return paginate(named(db))


@app.get("/products", response_model=Page[ProductOut])
def products(db: Session = Depends(get_db)):
    return paginate(db.query(Product).order_by(Product.id))
"""

_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    for name in ("a", "b"):
        client.post(f"/products/{name}")
    print(client.get("/categories").text, client.get("/products").text)
"""


def _used(folder: Path) -> str:
    return printed_anew(folder, _USE)


def test_a_route_behind_a_bridge_counts_as_one_who_gets_pages(tmp_path: Path) -> None:
    once, steps = tmp_path / "once", tmp_path / "steps"
    for folder in (once, steps):
        folder.mkdir()
        (folder / "main.py").write_text(_MAIN)
    before = _used(once)
    assert '"category":{"name":"b"}' in before

    write(once, "--all")
    assert _used(once) == before
    for route in ("GET /categories", "GET /names"):
        write(steps, "--route", route, "--allow-dirty")
        assert _used(steps) == before
    write(steps, "--all", "--allow-dirty")
    assert _used(steps) == before
    assert tree(steps) == tree(once)
