"""One function for two routes, of which only one has a dependency that loads the same object."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.model.selection import EVERYTHING
from support.http_sequence import replay
from support.migration import written
from support.route_by_route import migrate

_MAIN = """\
import os

from fastapi import Depends, FastAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Column, ForeignKey, Integer, create_engine
from sqlalchemy.orm import Session, declarative_base, relationship, sessionmaker

engine = create_engine(os.environ["DATABASE_URL"])
SessionLocal = sessionmaker(bind=engine)
Base = declarative_base()
app = FastAPI()


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    orders = relationship("Order")


class Order(Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
    user_id = Column(ForeignKey("users.id"))


def get_db():
    with SessionLocal() as db:
        yield db


@app.on_event("startup")
def fill():
    Base.metadata.create_all(engine)
    with SessionLocal() as db:
        db.add(User(orders=[Order(), Order()]))
        db.commit()


def check(db: Session = Depends(get_db)):
    return db.query(User).filter(User.id == 1).one()


class OrderOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int


class UserOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    orders: list[OrderOut]


{routes}
def orders(db: Session = Depends(get_db)):
    return db.query(User).get(1)
"""
_CHECKED = '@app.get("/checked", response_model=UserOut, dependencies=[Depends(check)])'
_FREE = '@app.get("/free", response_model=UserOut)'


@pytest.mark.parametrize("routes", [[_CHECKED, _FREE], [_FREE, _CHECKED]])
def test_the_dependencies_of_both_count(routes: list[str], tmp_path: Path) -> None:
    """Before, those of the first decorator were forgotten."""
    requests = [{"method": "GET", "path": path} for path in ("/checked", "/free")]
    files = {"main.py": _MAIN.replace("{routes}", "\n".join(routes))}
    folder = written(tmp_path / "app", files)
    before = replay(folder, requests, app="main:app")
    assert [answer["json"] for answer in before] == [{"orders": [{"id": 1}, {"id": 2}]}] * 2
    migrate(folder, EVERYTHING)
    assert replay(folder, requests, app="main:app") == before
