"""Session dependencies that query when the route is done, also where nobody selected them."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import command, printed_anew, tree, write, written

_APP = """\
from fastapi import Depends, FastAPI
from sqlalchemy import Column, Integer, String, create_engine
from sqlalchemy.orm import Session, declarative_base, sessionmaker

engine = create_engine("sqlite:///app.db", connect_args={"check_same_thread": False})
SessionLocal = sessionmaker(bind=engine)
Base = declarative_base()
seen = []


class Item(Base):
    __tablename__ = "items"
    id = Column(Integer, primary_key=True)
    name = Column(String)


def get_db():
    db = SessionLocal()
    try:
        yield db
        seen.append(db.query(Item).count())
    finally:
        db.close()


def audited(db: Session = Depends(get_db)):
    yield db
    seen.append(db.query(Item).filter(Item.name == "x").first().name)


Base.metadata.create_all(engine)
app = FastAPI()


@app.post("/a")
def a(db: Session = Depends(get_db)):
    db.add(Item(name="x"))
    db.commit()
    return db.query(Item).count()


@app.get("/b")
def b(db: Session = Depends(audited)):
    return db.query(Item).count()


@app.get("/c")
def c(db: Session = Depends(audited)):
    return db.query(Item).first().name


@app.get("/seen")
def told():
    return seen
"""
_USE = """\
from fastapi.testclient import TestClient

from main import app

with TestClient(app) as client:
    print(client.post("/a").json(), client.get("/b").json(), client.get("/c").json())
    print(client.get("/seen").json())
"""
_ANSWERS = "1 1 x\n[1, 'x', 1, 'x', 1]\n"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    app = written(tmp_path_factory.mktemp("whole"), {"main.py": _APP})
    assert printed_anew(app, _USE) == _ANSWERS
    write(app, "--all")
    return app


def test_all_at_once(whole: Path) -> None:
    assert printed_anew(whole, _USE) == _ANSWERS
    assert command(whole, "verify").stdout == "Nothing found.\n"


@pytest.mark.parametrize("first", ["POST /a", "GET /b", "GET /c"])
def test_each_route_first(first: str, whole: Path, tmp_path: Path) -> None:
    """What gives async sessions from now on has its own queries translated with that."""
    app = written(tmp_path, {"main.py": _APP})
    write(app, "--route", first)
    assert printed_anew(app, _USE) == _ANSWERS
    write(app, "--all")
    assert tree(app) == tree(whole)
