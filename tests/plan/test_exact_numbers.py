"""Columns of exact numbers that get floats: asyncpg stores others than psycopg2 did."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.config import Settings
from migrate_async.model.plan import Step
from migrate_async.plan.planner import make_plan
from support.databases import fresh_database
from support.migration import printed, tree, write
from support.projects import project

_SOURCE = """\
from decimal import Decimal

from fastapi import Depends, FastAPI
from sqlalchemy import Column, Integer, Float, Numeric, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

engine = create_engine("{url}")
SessionLocal = sessionmaker(bind=engine)
app = FastAPI()


class Base(DeclarativeBase):
    pass


class Product(Base):
    __tablename__ = "products"
    id = Column(Integer, primary_key=True)
    price{column}


def get_db():
    with SessionLocal() as db:
        yield db


@app.on_event("startup")
def fill():
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)


@app.post("/products")
def create(price: float, db: Session = Depends(get_db)):
    product = Product(price=price)
    db.add(product)
    db.commit()
    db.refresh(product)
    return str(product.price)
"""
_POSTGRESQL = "postgresql://localhost/products"


@pytest.mark.parametrize(
    ("column", "url", "is_told"),
    [
        (" = Column(Numeric)", _POSTGRESQL, True),
        (" = Column(Numeric(10, 2), nullable=False)", _POSTGRESQL, True),
        (": Mapped[Decimal] = mapped_column()", _POSTGRESQL, True),
        (" = Column(Float)", _POSTGRESQL, False),
        (" = Column(Numeric)", "sqlite:///products.db", False),
        (" = Column(Numeric)", "postgresql+psycopg://localhost/products", False),
    ],
)
def test_the_engine_is_one_of_the_runtime(column: str, url: str, is_told: bool) -> None:
    files = {"main.py": _SOURCE.format(column=column, url=url)}
    found = make_plan(project(files), Step.ALL, Settings())
    assert ("MA417" in [item.code for item in found.diagnostics]) == is_told


@pytest.mark.parametrize(("column", "price"), [("Numeric", "83.48"), ("Numeric(10, 2)", "1.005")])
async def test_the_same_is_stored(tmp_path: Path, column: str, price: str) -> None:
    use = f"""
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    print(client.post("/products?price={price}").text)
"""
    async with fresh_database("postgresql", tmp_path) as url:
        code = _SOURCE.format(column=f" = Column({column})", url=url)
        (tmp_path / "main.py").write_text(code)
        before = printed(tmp_path, use)
        write(tmp_path, "--all")
        assert "async_engine_from_url(" in (tmp_path / "main.py").read_text()
        assert printed(tmp_path, use) == before
        after = tree(tmp_path)
        write(tmp_path, "--all", "--allow-dirty")
        assert tree(tmp_path) == after, "a second run changes nothing"
