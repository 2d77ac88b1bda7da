"""Helpers whose annotations say less than their code: `list[Any]`.

What a response model reads of the objects they give has to be loaded. Executed before and after
the migration.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.model.selection import EVERYTHING
from support.http_sequence import replay
from support.route_by_route import migrate

_APPLICATION = """\
import os
from typing import Any, Dict, List, Optional, Sequence, Tuple

from fastapi import Depends, FastAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Column, ForeignKey, Integer, String, create_engine
from sqlalchemy.orm import Session, declarative_base, relationship, sessionmaker

engine = create_engine(os.environ["DATABASE_URL"])
SessionLocal = sessionmaker(engine)
Base = declarative_base()
app = FastAPI()


class Order(Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
    items = relationship("Item")

    @property
    def codes(self):
        return [item.code for item in self.items]


class Item(Base):
    __tablename__ = "items"
    id = Column(Integer, primary_key=True)
    code = Column(String)
    order_id = Column(ForeignKey("orders.id"))


class ItemOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    code: str


class OrderOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    codes: list[str]


class Orders(BaseModel):
    data: list[OrderOut]
    total: int


Base.metadata.create_all(engine)


def get_db():
    with SessionLocal() as db:
        yield db


def paginate(query, page: int, size: int) -> ANNOTATION:
    total = query.count()
    items = query.offset(page * size).limit(size).all()
    return RETURNED


@app.post("/orders")
def add(db: Session = Depends(get_db)):
    db.add(Order(items=[Item(code="a"), Item(code="b")]))
    db.commit()


@app.get("/orders", response_model=Orders)
def orders(db: Session = Depends(get_db)):
    query = db.query(Order).filter(Order.id > 0)
    ASSIGNED = paginate(query, 0, 5)
    return {"data": items, "total": 2}


@app.get("/items", response_model=list[ItemOut])
def all_items(db: Session = Depends(get_db)):
    ASSIGNED = paginate(db.query(Item), 0, 5)
    return items
"""


@pytest.mark.parametrize(
    "annotation", ["list[Any]", "List[Any]", "Sequence[Any]", "list", "Any", "Optional[List[Any]]"]
)
def test_what_a_helper_gives_is_read_from_its_code(annotation: str, tmp_path: Path) -> None:
    _assert_same(tmp_path, annotation, returned="items", assigned="items")


@pytest.mark.parametrize(
    "annotation",
    ["Tuple[list[Any], Dict[str, int]]", "tuple[Any, dict]", "tuple[List[Any], dict]", "tuple"],
)
def test_so_are_the_parts_of_a_tuple(annotation: str, tmp_path: Path) -> None:
    returned, assigned = 'items, {"total": total}', "items, meta"
    _assert_same(tmp_path, annotation, returned=returned, assigned=assigned)


def _assert_same(tmp_path: Path, annotation: str, *, returned: str, assigned: str) -> None:
    text = _APPLICATION.replace("ANNOTATION", annotation)
    text = text.replace("RETURNED", returned).replace("ASSIGNED", assigned)
    for name in ("before", "after"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "main.py").write_text(text)
    migrate(tmp_path / "after", EVERYTHING)
    before = _answers(tmp_path / "before", "sqlite")
    assert [answer["status"] for answer in before] == [200] * len(before)
    assert _answers(tmp_path / "after", "sqlite+aiosqlite") == before


def _answers(folder: Path, driver: str) -> list[dict[str, object]]:
    sent = [("POST", "/orders"), ("POST", "/orders"), ("GET", "/orders"), ("GET", "/items")]
    requests = [{"method": method, "path": path} for method, path in sent]
    return replay(folder, requests, app="main:app", driver=driver)
