"""`with closing(SessionLocal()) as db:`, executed before and after, and no session leaks."""

from __future__ import annotations

from pathlib import Path

from migrate_async.model.selection import EVERYTHING, Selection
from support.http_sequence import replay
from support.migration import printed
from support.route_by_route import migrate

_MAIN = """\
import contextlib
import os
from contextlib import closing

from fastapi import FastAPI
from sqlalchemy import Column, Integer, create_engine, text
from sqlalchemy.orm import declarative_base, sessionmaker

engine = create_engine(os.environ.get("DATABASE_URL", "sqlite:///own.db"))
SessionLocal = sessionmaker(bind=engine)
Base = declarative_base()
app = FastAPI()


class Order(Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)


@app.on_event("startup")
def fill():
    Base.metadata.create_all(engine)


@app.get("/one")
def one():
    with closing(SessionLocal()) as db:
        return db.query(Order).count()


@app.get("/opened")
def opened():
    db = SessionLocal()
    with contextlib.closing(db):
        return db.query(Order).count()


@app.get("/two")
def two():
    with closing(SessionLocal()) as left, closing(SessionLocal()) as right:
        return [left.query(Order).count(), right.query(Order).count()]


@app.get("/connection")
def connection():
    with closing(engine.connect()) as connection:
        return connection.execute(text("SELECT count(*) FROM orders")).scalar()


@app.get("/module")
def module():
    with contextlib.closing(engine.connect()) as connection:
        return connection.execute(text("SELECT count(*) FROM orders")).scalar()


def counted(db):
    return db.query(Order).count()


@app.get("/kept")
def kept():
    with closing(SessionLocal()) as db:
        return list(map(counted, [db]))


def used_after_closing():
    db = SessionLocal()
    try:
        found = db.query(Order).count()
    finally:
        db.close()
    return [found, len(db.new)]


@app.get("/after")
def after():
    return used_after_closing()
"""
_PATHS = ("/one", "/opened", "/two", "/connection", "/module", "/kept", "/after")
_USE = """
import gc, warnings
warnings.simplefilter("ignore", DeprecationWarning)
from fastapi.testclient import TestClient
import main
with TestClient(main.app) as client:
    for path in {paths}:
        assert client.get(path).status_code == 200, path
        gc.collect()
    print(main.engine.pool.checkedout())
"""


def _written(folder: Path) -> Path:
    folder.mkdir()
    (folder / "main.py").write_text(_MAIN)
    return folder


def test_sessions_are_closed(tmp_path: Path) -> None:
    """Before, `close()` made a coroutine that nobody awaited, without a message."""
    requests = [{"method": "GET", "path": path} for path in _PATHS]
    before = replay(_written(tmp_path / "before"), requests, app="main:app")
    assert {answer["status"] for answer in before} == {200}
    whole = _written(tmp_path / "whole")
    migrate(whole, EVERYTHING)
    assert replay(whole, requests, app="main:app") == before
    assert printed(whole, _USE.format(paths=_PATHS)).split()[-1] == "0"
    text = (whole / "main.py").read_text()
    assert "    async with SessionLocal() as db:" in text
    assert "    async with aclosing(await engine.connect()) as connection:" in text
    assert "    with closing(SyncSessionLocal()) as db:" in text
    assert "    finally:\n        await db.close()\n    return [found, len(db.new)]" in text
    half = _written(tmp_path / "half")
    migrate(half, Selection(routes=("GET /one", "GET /module")))
    assert replay(half, requests, app="main:app") == before
    migrate(half, EVERYTHING)
    assert (half / "main.py").read_text() == text
