"""Lazy loads that were recorded and that no reading of the code shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from migrate_async.model.profile import LazyLoad, Place, Producer, Profile
from migrate_async.source.profiles import write_profile
from support.http_sequence import replay
from support.migration import write

MAIN = """\
from fastapi import Depends, FastAPI
from sqlalchemy import Column, ForeignKey, Integer, create_engine
from sqlalchemy.orm import Session, declarative_base, relationship, sessionmaker

engine = create_engine("sqlite:///./app.db")
SessionLocal = sessionmaker(bind=engine)
Base = declarative_base()
app = FastAPI()


class Order(Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
    items = relationship("Item")


class Item(Base):
    __tablename__ = "items"
    id = Column(Integer, primary_key=True)
    order_id = Column(ForeignKey("orders.id"))


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


@app.on_event("startup")
def fill():
    Base.metadata.drop_all(bind=engine)
    Base.metadata.create_all(bind=engine)
    db = SessionLocal()
    db.add(Order(id=1, items=[Item(id=1), Item(id=2)]))
    db.commit()
    db.close()


def count(thing, what):
    return len(thing.items) if what == "items" else 0


@app.get("/orders/{id}")
def read_order(id: int, db: Session = Depends(get_db)):
    order = db.query(Order).filter(Order.id == id).first()
    return {"items": globals()["count"](order, "items")}
"""
TOUCHED = next(n for n, line in enumerate(MAIN.splitlines(), 1) if "thing.items" in line)
QUERIED = next(n for n, line in enumerate(MAIN.splitlines(), 1) if "filter(Order.id" in line)
QUERY = Producer(kind="query", place=Place("main.py", QUERIED, "main.read_order"))
REQUESTS = [{"method": "GET", "path": "/orders/1"}]


def load(line: int = TOUCHED, function: str = "main.count", producer: Producer = QUERY) -> LazyLoad:
    return LazyLoad(
        model="main.Order",
        attribute="items",
        place=Place("main.py", line, function),
        producer=producer,
        count=3,
        most=1,
    )


def migrated(folder: Path, loads: Sequence[LazyLoad], *arguments: str) -> tuple[str, str]:
    """The code after a migration that heeds `loads`, and what that said."""
    (folder / "main.py").write_text(MAIN)
    write_profile(folder / "profile.json", Profile(loads=tuple(loads)))
    said = write(folder, "--all", *arguments)
    return (folder / "main.py").read_text(), said


def test_a_recorded_load_gets_an_option_at_the_query_that_was_recorded(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    after.mkdir()
    (before / "main.py").write_text(MAIN)
    code, said = migrated(after, [load()], "--profile", "profile.json")
    assert "select(Order).options(selectinload(Order.items)).where(Order.id == id)" in code
    assert "MA505" in said
    legacy = replay(before, REQUESTS, app="main:app")
    assert legacy == [{"status": 200, "json": {"items": 2}}]
    assert replay(after, REQUESTS, app="main:app") == legacy


def test_the_settings_can_name_the_profile(tmp_path: Path) -> None:
    settings = '[tool.migrate-async]\nprofile = "profile.json"\n'
    (tmp_path / "pyproject.toml").write_text(settings)
    code, _ = migrated(tmp_path, [load()])
    assert "selectinload(Order.items)" in code


@pytest.mark.parametrize(
    ("recorded", "code"),
    [
        pytest.param(load(producer=Producer(kind="new")), "MA504", id="a new object"),
        pytest.param(load(producer=Producer()), "MA504", id="from nobody knows where"),
        pytest.param(load(line=TOUCHED - 1), "MA506", id="the line has moved"),
        pytest.param(load(function="main.gone"), "MA506", id="the function is gone"),
    ],
)
def test_what_does_not_fit_is_reported_and_changes_nothing(
    recorded: LazyLoad, code: str, tmp_path: Path
) -> None:
    text, said = migrated(tmp_path, [recorded], "--profile", "profile.json")
    assert code in said
    assert "selectinload" not in text
