"""Routes that give objects of nobody knows which model to schemas of nobody knows which class."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import command, printed_anew, tree, write, written

MAIN = """\
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Column, ForeignKey, Integer, String, create_engine
from sqlalchemy.orm import Session, declarative_base, relationship, sessionmaker

engine = create_engine("sqlite:///app.db")
SessionLocal = sessionmaker(engine)
Base = declarative_base()


class User(Base):
    __tablename__ = "users"

    id = Column(Integer, primary_key=True)
    name = Column(String)
    orders = relationship("Order", back_populates="user")


class Order(Base):
    __tablename__ = "orders"

    id = Column(Integer, primary_key=True)
    total = Column(Integer)
    user_id = Column(Integer, ForeignKey("users.id"))
    user = relationship("User", back_populates="orders")


class OrderOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    total: int


class UserOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    name: str
    orders: list[OrderOut]


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


SHOWN = {"users": "User", "orders": "Order"}


class Router:
    def __init__(self, name):
        self.name = name

    def find(self, db: Session, id: int):
        return db.get(globals()[SHOWN[self.name]], id)

    def shown(self, db: Session, id: int) -> Any:
        schema = globals()[SHOWN[self.name] + "Out"]
        found: Any = self.find(db, id)
        return schema.model_validate(found, from_attributes=True)

    def get_func(self):
        def get(id: int, db: Session = Depends(get_db)):
            return self.shown(db, id)

        return get

    def create(self) -> APIRouter:
        router = APIRouter()
        router.add_api_route(f"/{self.name}/{{id}}", endpoint=self.get_func())
        return router


app = FastAPI()
for name in SHOWN:
    app.include_router(Router(name).create())


@app.post("/fill")
def fill(db: Session = Depends(get_db)):
    db.add(User(name="Ada", orders=[Order(total=3), Order(total=4)]))
    db.commit()
"""
DRIVE = """\
from fastapi.testclient import TestClient

import main
from sqlalchemy import create_engine

tables = create_engine("sqlite:///app.db")
main.Base.metadata.create_all(tables)
tables.dispose()
with TestClient(main.app) as client:
    for method, path in (("POST", "/fill"), ("GET", "/users/1"), ("GET", "/orders/2")):
        print(client.request(method, path).text)
"""


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    app = written(tmp_path_factory.mktemp("once"), {"main.py": MAIN})
    write(app, "--all")
    return app


def test_what_they_read_is_loaded(once: Path, tmp_path: Path) -> None:
    before = printed_anew(written(tmp_path, {"main.py": MAIN}), DRIVE)
    assert '{"name":"Ada","orders":[{"total":3},{"total":4}]}' in before
    text = (once / "main.py").read_text()
    assert "        @lazy_response\n        async def get(id: int, db: AsyncSession" in text
    assert printed_anew(once, DRIVE) == before


def test_a_second_run_changes_nothing_and_has_nothing_to_tell(once: Path) -> None:
    before = tree(once)
    assert "MA513" not in write(once, "--all")
    assert tree(once) == before


def test_who_else_begins_it_is_told(tmp_path: Path) -> None:
    """A job has no response that loads."""
    job = '\n\nasync def job():\n    Router("users").shown(SessionLocal(), 1)\n'
    app = written(tmp_path, {"main.py": MAIN + job})
    assert "MA513" in command(app, "plan", "--verbose").stdout
