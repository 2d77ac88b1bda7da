"""Connections that a module opens when it is imported: `conn = engine.connect()`.

What works on one stays sync, on the sync engine: tasks would take turns on it. The code is executed
before and after, and after each route.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import command, printed_anew, tree, write, written
from support.route_by_route import in_random_order

_DATABASE = """\
from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine
from sqlalchemy.orm import sessionmaker

engine = create_engine("sqlite:///users.db", connect_args={"check_same_thread": False})
metadata = MetaData()
conn = engine.connect()
SessionLocal = sessionmaker(bind=engine)
users = Table("users", metadata, Column("id", Integer, primary_key=True), Column("name", String))
metadata.create_all(engine)
"""

_MAIN = """\
from fastapi import FastAPI

%s

app = FastAPI()


@app.post("/users/{name}")
def add(name: str):
    result = %s.execute(users.insert().values(name=name))
    %s.commit()
    return result.lastrowid


@app.get("/users")
def names():
    with SessionLocal() as session:
        return session.execute(users.select()).scalars().all()


@app.get("/count")
def count():
    return len(%s.execute(users.select()).fetchall())
"""

_WAYS = {
    "imported": ("from database import SessionLocal, conn, users", "conn"),
    "under another name": ("from database import SessionLocal, conn as db, users", "db"),
    "of the module": ("import database\nfrom database import SessionLocal, users", "database.conn"),
    "given by a function": (
        "from database import SessionLocal, conn, users\n\n\ndef current():\n    return conn",
        "current()",
    ),
    "a default": (
        """\
from database import SessionLocal, engine, users


def current(conn=engine.connect()):
    return conn
""",
        "current()",
    ),
    "of a class": (
        """\
from database import SessionLocal, engine, users


class Store:
    conn = engine.connect()
""",
        "Store.conn",
    ),
}
_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    for name in ("a", "b"):
        print(client.post("/users/" + name).text, client.get("/count").text)
    print(client.get("/users").text)
"""
_ANSWERS = "1 1\n2 2\n[1,2]\n"


def _written(folder: Path, way: str) -> Path:
    imports, name = _WAYS[way]
    main = _MAIN % (imports, name, name, name)
    return written(folder, {"database.py": _DATABASE, "main.py": main, "pyproject.toml": ""})


@pytest.mark.parametrize("way", _WAYS)
def test_it_stays_sync_with_all_who_use_it(way: str, tmp_path: Path) -> None:
    folder = _written(tmp_path / "app", way)
    assert printed_anew(folder, _USE) == _ANSWERS
    said = write(folder, "--all")
    assert "stays sync" in said
    assert "one for the process" in said or "one connection for the process" in said
    text = (folder / "main.py").read_text()
    assert "async def names(" in text
    assert "\ndef add(" in text
    assert "\ndef count(" in text
    assert printed_anew(folder, _USE) == _ANSWERS
    assert command(folder, "verify").stdout == "Nothing found.\n"
    done = tree(folder)
    write(folder, "--all", "--allow-dirty")
    assert tree(folder) == done, "a second run changes nothing"


def test_it_stays_so_route_by_route(tmp_path: Path) -> None:
    once = _written(tmp_path / "once", "imported")
    write(once, "--all")
    steps = _written(tmp_path / "steps", "imported")
    for route in in_random_order(steps, 1):
        assert printed_anew(steps, _USE) == _ANSWERS, route
    assert tree(steps) == tree(once)
