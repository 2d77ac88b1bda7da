"""`partial(convert, db)` of what stays sync, and who calls it later, executed before and after."""

from __future__ import annotations

from pathlib import Path

from migrate_async.model.selection import EVERYTHING
from support.migration import own_tests, tree, written
from support.route_by_route import in_random_order, migrate

_MAIN = """\
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from fastapi import Depends, FastAPI
from sqlalchemy import Column, Integer, String, create_engine
from sqlalchemy.orm import Session, declarative_base, sessionmaker

engine = create_engine("sqlite:///app.db")
SessionLocal = sessionmaker(bind=engine)
Base = declarative_base()
app = FastAPI()


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(String)


def get_db():
    with SessionLocal() as db:
        yield db


class Converter:
    def convert(self, db: Session, name: str) -> str:
        raise NotImplementedError


class Counting(Converter):
    def convert(self, db: Session, name: str) -> str:
        return f"{name} {db.query(User).count()}"


converters: dict[str, Converter] = {"count": Counting()}


def each(convert, names):
    return [convert(name) for name in names]


@app.get("/passed")
def passed(kind: str, db: Session = Depends(get_db)):
    with SessionLocal() as own:
        convert = partial(converters[kind].convert, own) if kind != "plain" else str
        assert db.query(User).count() == 0
        return each(convert, ["a", "b"])


@app.get("/called")
def called(kind: str, db: Session = Depends(get_db)):
    convert = partial(converters[kind].convert, db)
    assert db.query(User).count() == 0
    return [convert(name) for name in ["a", "b"]]


@app.get("/thread")
def threaded(kind: str, db: Session = Depends(get_db)):
    convert = partial(converters[kind].convert, db)
    with ThreadPoolExecutor(1) as pool:
        return list(pool.map(convert, ["a", "b"]))


@app.get("/count")
def count(db: Session = Depends(get_db)):
    return db.query(User).count()
"""
_TEST = """\
import pytest
from fastapi.testclient import TestClient

from main import Base, Converter, app, converters, engine


class Mocked(Converter):
    def convert(self, db, name: str) -> str:
        return name


@pytest.mark.parametrize("path", ["passed", "called", "thread"])
def test_mocked(path):
    Base.metadata.create_all(engine)
    converters["mocked"] = Mocked()
    with TestClient(app) as client:
        assert client.get(f"/{path}?kind=mocked").json() == ["a", "b"]
        assert client.get(f"/{path}?kind=count").json() == ["a 0", "b 0"]
        assert client.get("/count").json() == 0
"""
_FILES = {"main.py": _MAIN, "test_main.py": _TEST}


def test_who_calls_it_on_the_event_loop_stays_with_it(tmp_path: Path) -> None:
    """It had the sync side of an async session, and failed with `MissingGreenlet`; no message."""
    folder = written(tmp_path, _FILES)
    assert own_tests(folder).returncode == 0
    migrate(folder, EVERYTHING)
    assert own_tests(folder).returncode == 0
    done = tree(folder)
    assert b"async def count(" in done["main.py"]
    migrate(folder, EVERYTHING)
    assert tree(folder) == done


def test_each_step_runs(tmp_path: Path) -> None:
    folder = written(tmp_path, _FILES)
    for done in in_random_order(folder, 1):
        result = own_tests(folder)
        assert result.returncode == 0, done + result.stdout
