"""Factories that get their engine after they were made: `SessionLocal.configure(bind=engine)`.

Executed before the migration, after all of it and after single routes.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.model.selection import EVERYTHING, Selection
from support.http_sequence import replay
from support.migration import command, own_tests, tree, write
from support.route_by_route import migrate, routes_of

_HEAD = """\
import os
from functools import lru_cache

from fastapi import Depends, FastAPI
from sqlalchemy import Column, Integer, String, create_engine
from sqlalchemy.orm import Session, declarative_base, sessionmaker

Base = declarative_base()
URL = os.environ["DATABASE_URL"]


class Order(Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
    name = Column(String)


"""
_GET_DB = """\


def get_db():
    with SessionLocal.begin() as db:
        yield db
"""
_ROUTES = """\


app = FastAPI()


@app.on_event("startup")
def start():
{start}{tables}


@app.post("/orders/{{name}}")
def add(name: str, db: Session = Depends(get_db)):
    db.add(Order(name=name))


@app.get("/orders")
def orders(db: Session = Depends(get_db)):
    return [order.name for order in db.query(Order).order_by(Order.id)]


@app.get("/count")
def count():
    with SessionLocal() as db:
        return db.query(Order).count()
"""
_MAKE_TABLES = """
    with SessionLocal() as db:
        Base.metadata.create_all(db.connection())
        db.commit()
"""
_KEPT = """\


class Names:
    def __init__(self, db):
        self.db = db

    @property
    def all(self):
        return [order.name for order in self.db.query(Order).order_by(Order.id)]


def own_names():
    with SessionLocal() as db:
        return Names(db).all


KEPT = {"own": own_names}


@app.get("/kept/{name}")
def kept_own(name: str):
    return KEPT[name]()
"""
_MODULE = """\
engine = create_engine(URL)
SessionLocal = sessionmaker()
SessionLocal.configure(bind=engine, autoflush=True)
"""
_INLINE = """\
SessionLocal = sessionmaker()
SessionLocal.configure(bind=create_engine(URL))
"""
_LOCAL = """\
SessionLocal = sessionmaker()


def connect(url):
    engine = create_engine(url)
    SessionLocal.configure(bind=engine)
    return engine
"""
_GLOBAL = """\
engine = None
SessionLocal = sessionmaker()


def connect(url):
    global engine
    if engine is None:
        engine = create_engine(url)
        SessionLocal.configure(bind=engine)
"""
_INLINE_INSIDE = """\
SessionLocal = sessionmaker()


def connect(url):
    SessionLocal.configure(bind=create_engine(url))
"""
_GETTER = """\
SessionLocal = sessionmaker()


@lru_cache
def get_engine():
    return create_engine(URL)


def connect():
    SessionLocal.configure(bind=get_engine())
"""
_COPIED = {
    "of the module": (_MODULE, "pass"),
    "made inline": (_INLINE, "pass"),
    "local": (_LOCAL, "connect(URL)"),
    "global": (_GLOBAL, "connect(URL)"),
    "made inline in a function": (_INLINE_INSIDE, "connect(URL)"),
    "from a getter": (_GETTER, "connect()"),
}


def _text(head: str, start: str, *, kept: bool) -> str:
    routes = _ROUTES.format(start=f"    {start}", tables=_MAKE_TABLES if kept else "")
    return _HEAD + head + _GET_DB + routes + (_KEPT if kept else "")


def _written(folder: Path, text: str) -> Path:
    folder.mkdir()
    (folder / "main.py").write_text(text)
    return folder


def _answers(folder: Path, *, kept: bool) -> list[dict[str, object]]:
    requests = [{"method": "POST", "path": f"/orders/{name}"} for name in ("a", "b")]
    paths = ("/orders", "/count", *(["/kept/own"] if kept else []))
    requests += [{"method": "GET", "path": path} for path in paths]
    return replay(folder, requests, app="main:app", driver="sqlite")


@pytest.mark.parametrize("shape", _COPIED)
def test_a_sync_factory_beside_it_is_bound_where_it_is(shape: str, tmp_path: Path) -> None:
    """Before, it was bound nowhere, and the engine of the async one stayed sync."""
    text = _text(*_COPIED[shape], kept=True)
    before = _answers(_written(tmp_path / "before", text), kept=True)
    assert [answer["status"] for answer in before] == [200] * len(before)

    whole = _written(tmp_path / "whole", text)
    migrate(whole, EVERYTHING)
    assert "async def count" in (whole / "main.py").read_text()
    assert _answers(whole, kept=True) == before
    done = tree(whole)
    migrate(whole, EVERYTHING)
    assert tree(whole) == done, "a second run changes nothing"
    assert command(whole, "verify").returncode == 0

    for number, route in enumerate(("GET /count", "POST /orders/{name}")):
        folder = _written(tmp_path / str(number), text)
        migrate(folder, Selection(routes=(route,)))
        assert _answers(folder, kept=True) == before, route
        migrate(folder, EVERYTHING)
        assert tree(folder) == done, f"{route} first"


@pytest.mark.parametrize("shape", _COPIED)
def test_it_goes_when_nothing_stays_sync(shape: str, tmp_path: Path) -> None:
    text = _text(*_COPIED[shape], kept=False)
    whole = _written(tmp_path / "whole", text)
    migrate(whole, EVERYTHING)
    assert "SyncSessionLocal" not in (whole / "main.py").read_text()
    folder = _written(tmp_path / "gradual", text)
    migrate(folder, Selection(routes=("GET /orders",)))
    assert "SyncSessionLocal.configure(bind=" in (folder / "main.py").read_text()
    migrate(folder, EVERYTHING)
    assert tree(folder) == tree(whole)


_TABLES = """\
SessionLocal = sessionmaker()


def connect(url):
    engine = create_engine(url)
    SessionLocal.configure(bind=engine)
    Base.metadata.create_all(engine)
"""


def test_what_binds_it_converts_with_it(tmp_path: Path) -> None:
    text = _text(_TABLES, "connect(URL)", kept=False)
    before = _answers(_written(tmp_path / "before", text), kept=False)
    folder = _written(tmp_path / "gradual", text)
    for route in routes_of(folder):
        migrate(folder, Selection(routes=(route,)))
        assert _answers(folder, kept=False) == before, route
    migrate(folder, EVERYTHING)
    assert "    await connect(URL)" in (folder / "main.py").read_text()
    assert "SyncSessionLocal" not in (folder / "main.py").read_text()


def test_it_stays_sync_with_what_binds_it(tmp_path: Path) -> None:
    """Before, `connect` bound the sync one that was written for it, and nobody the async one."""
    head = _TABLES + "\n\nconnect(URL)\n"
    text = _text(head, "pass", kept=False)
    before = _answers(_written(tmp_path / "before", text), kept=False)
    folder = _written(tmp_path / "after", text)
    said = write(folder, "--all")
    assert "main.connect stays sync: it is called when main.py is imported" in said
    assert "AsyncSession" not in (folder / "main.py").read_text()
    assert _answers(folder, kept=False) == before


_CONFTEST = """\
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine

from main import Base, SessionLocal, app, engine


@pytest.fixture
def client(tmp_path):
    own = create_engine(f"sqlite:///{tmp_path}/own.db")
    Base.metadata.create_all(own)
    SessionLocal.configure(bind=own)
    yield TestClient(app)
    SessionLocal.configure(bind=engine)
"""
_TEST = """\
from main import Order, SessionLocal


def test_orders(client):
    with SessionLocal() as db:
        db.add(Order(name="a"))
        db.commit()
    assert client.get("/orders").json() == ["a"]
"""


def _suite(folder: Path) -> Path:
    text = _text(_MODULE, "pass", kept=False)
    _written(folder, text.replace('os.environ["DATABASE_URL"]', '"sqlite:///none.db"'))
    (folder / "conftest.py").write_text(_CONFTEST)
    (folder / "test_main.py").write_text(_TEST)
    return folder


def test_tests_that_bind_it(tmp_path: Path) -> None:
    """Those that stay sync for now bind the sync one only, which is said."""
    whole = _suite(tmp_path / "whole")
    assert "MA431" not in write(whole, "--all")
    done = own_tests(whole)
    assert done.returncode == 0, done.stdout
    folder = _suite(tmp_path / "gradual")
    assert "MA431" in write(folder, "--route", "GET /orders")
    write(folder, "--all", "--allow-dirty")
    assert tree(folder) == tree(whole)
