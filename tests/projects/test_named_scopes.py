"""`session_scope = contextmanager(get_db)`: a dependency that jobs and commands enter by a name.

The code is executed before, after each route in some order, and after all of them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.model.selection import EVERYTHING
from support.migration import command, printed, tree, write, written
from support.route_by_route import in_random_order, migrate

_DATABASE = """\
from contextlib import contextmanager

from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

engine = create_engine("sqlite:///notes.db")
SessionLocal = sessionmaker(bind=engine)
CLOSED = []


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close(){more}


session_scope = contextmanager(get_db)
"""
_JOBS = """\
from app import database
from app.database import Note, session_scope as scope


def command():
    with scope() as db:
        return db.query(Note).enable_assertions(False).count()


def count():
    with database.session_scope() as db:
        return db.query(Note).count()


def last():
    with scope() as db:
        return db.query(Note).order_by(Note.id.desc()).first().text
"""
_MAIN = """\
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

from app import jobs
from app.database import Base, Note, engine, get_db, session_scope


@asynccontextmanager
async def lifespan(app: FastAPI):
    Base.metadata.create_all(engine)
    yield


app = FastAPI(lifespan=lifespan)


@app.post("/notes")
def add(text: str):
    with session_scope() as db:
        db.add(Note(text=text))
        db.commit()


@app.get("/notes")
def read(db: Session = Depends(get_db)):
    return [note.text for note in db.query(Note).order_by(Note.id)]


@app.get("/count")
def count():
    return jobs.count()


@app.get("/last")
def last(db: Session = Depends(get_db)):
    return jobs.last()
"""
_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from app import jobs
from app.main import app
with TestClient(app) as client:
    for text in ("a", "b"):
        client.post("/notes", params={"text": text})
    print([client.get(path).text for path in ("/notes", "/count", "/last")], jobs.command())
"""
_ANSWERS = """['["a","b"]', '2', '"b"'] 2\n"""


def _files(more: str = "", database: str = "") -> dict[str, str]:
    return {
        "app/__init__.py": "",
        "app/database.py": _DATABASE.format(more=more) + database,
        "app/jobs.py": _JOBS,
        "app/main.py": _MAIN,
        "pyproject.toml": "",
    }


def _used(folder: Path) -> str:
    try:
        return printed(folder, _USE)
    finally:
        (folder / "notes.db").unlink(missing_ok=True)


def test_who_enters_it_gets_a_session_of_the_factory(tmp_path: Path) -> None:
    once = written(tmp_path / "once", _files())
    assert _used(once) == _ANSWERS
    migrate(once, EVERYTHING)
    assert _used(once) == _ANSWERS
    assert command(once, "verify").stdout == "Nothing found.\n"
    texts = {path.name: path.read_text() for path in sorted((once / "app").glob("*.py"))}
    assert "session_scope" not in "".join(texts.values())
    assert "contextmanager" not in texts["database.py"]
    assert "def command():\n    with SyncSessionLocal() as db:" in texts["jobs.py"]
    assert "async with " in texts["jobs.py"]
    assert "async def last(" in texts["main.py"]
    done = tree(once)
    migrate(once, EVERYTHING)
    assert tree(once) == done, "a second run changes nothing"


@pytest.mark.parametrize("seed", [1, 2])
def test_route_by_route(seed: int, tmp_path: Path) -> None:
    once = written(tmp_path / "once", _files())
    migrate(once, EVERYTHING)
    steps = written(tmp_path / "steps", _files())
    for route in in_random_order(steps, seed):
        assert _used(steps) == _ANSWERS, route
    assert tree(steps) == tree(once)


@pytest.mark.parametrize(
    ("more", "database"),
    [
        ("\n        CLOSED.append(1)", ""),
        ("", "\n\nSCOPES = [session_scope]\n"),
        ("", "\n\nif CLOSED:\n    session_scope = None\n"),
    ],
    ids=["does more", "a value", "another value"],
)
def test_what_is_not_only_that_stays(more: str, database: str, tmp_path: Path) -> None:
    app = written(tmp_path, _files(more, database))
    assert _used(app) == _ANSWERS
    write(app, "--all")
    text = (app / "app/database.py").read_text()
    assert "\nsession_scope = contextmanager(get_db)\n" in text
    assert "async def get_db" not in text
    assert _used(app) == _ANSWERS
