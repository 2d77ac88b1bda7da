"""Several services in one repository, each of which calls its package `app`."""

from __future__ import annotations

from pathlib import Path

from support.migration import printed_anew, tree, write, written

_DATABASE = """\
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

engine = create_engine("sqlite://")
SessionLocal = sessionmaker(bind=engine)


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
"""
_MAIN = """\
from fastapi import Depends, FastAPI
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.crud import NAMES
from app.db import get_db

app = FastAPI()


@app.get("/values")
def values(db: Session = Depends(get_db)):
    return VALUES
"""
_FILES = {
    "one/app/__init__.py": "",
    "one/app/db.py": _DATABASE,
    "one/app/crud.py": "def value(name):\n    return name\n",
    "one/app/main.py": _MAIN.replace("NAMES", "value").replace(
        "VALUES", '[value("x"), db.execute(text("select 1")).scalar()]'
    ),
    "two/app/__init__.py": "",
    "two/app/db.py": _DATABASE,
    "two/app/crud.py": """\
from sqlalchemy import text


def value(db):
    return db.execute(text("select 2")).scalar()


def more(db):
    run = lambda: db.execute(text("select 3")).scalar()
    return run()
""",
    "two/app/extra.py": """\
from app.crud import value


def twice(db):
    return value(db) * 2
""",
    "two/app/main.py": _MAIN.replace("NAMES", "more, value")
    .replace("from app.db", "from app.extra import twice\nfrom app.db")
    .replace("VALUES", "[value(db), more(db), twice(db)]"),
}
_USE = """\
import sys

sys.path.insert(0, "{}")
from fastapi.testclient import TestClient
from app.main import app

with TestClient(app) as client:
    print(client.get("/values").text)
"""


def test_each_has_its_own_modules(tmp_path: Path) -> None:
    written(tmp_path, _FILES)
    before = [printed_anew(tmp_path, _USE.format(name)) for name in ("one", "two")]
    assert ['["x",1]' in before[0], "[2,3,4]" in before[1]] == [True, True]
    write(tmp_path, "--all")
    after = tree(tmp_path)
    assert b"async def values(" in after["two/app/main.py"]
    assert b"await twice(db)" in after["two/app/main.py"]
    assert b"\ndef more(db)" in after["two/app/crud.py"]
    assert [printed_anew(tmp_path, _USE.format(name)) for name in ("one", "two")] == before
    write(tmp_path, "--all")
    assert tree(tmp_path) == after
