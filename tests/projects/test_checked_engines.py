"""Functions that make an engine for a module and work on it at once: they wait for the database.

No copy of them could make an async one. The engine stays sync, with the sessions on it; another
one converts beside it. The code is executed before and after.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import command, printed_anew, tree, write, written

_DATABASE = """\
import time

from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


%s

other_engine = create_engine("sqlite:///other.db")
OtherSession = sessionmaker(bind=other_engine)
"""

_RETRY = """\
def connect(url, tries=3):
    for _ in range(tries):
        try:
            engine = create_engine(url)
            connection = engine.connect()
            connection.close()
            return engine
        except OperationalError:
            time.sleep(1)
    raise RuntimeError(url)


"""
_HELPER = """\
def check(engine):
    with engine.connect() as connection:
        connection.execute(text("select 1"))


def connect(url):
    engine = create_engine(url)
    check(engine)
    return engine


"""
_TABLES = """\
def connect(url):
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    return engine


"""
_KEPT = """\
engine = None


def connect(url):
    global engine
    if engine is None:
        engine = create_engine(url)
        with engine.connect() as connection:
            connection.execute(text("select 1"))
    return engine


"""
_GET_DB = """\


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
"""
_OF_CLASS = """\


def get_db():
    with Session(engine) as db:
        yield db
"""
_ENGINE = 'engine = connect("sqlite:///notes.db")\n'
_BOUND = "SessionLocal = sessionmaker(bind=engine)\n"
_WAYS = {
    "tries again": _RETRY + _ENGINE + _BOUND + _GET_DB,
    "a helper": _HELPER + _ENGINE + _BOUND + _GET_DB,
    "tables": _TABLES + _ENGINE + _BOUND + _GET_DB,
    "a global": _KEPT + _ENGINE + _BOUND + _GET_DB,
    "an argument": _RETRY
    + 'SessionLocal = sessionmaker(bind=connect("sqlite:///notes.db"))\n'
    + _GET_DB,
    "the class": _RETRY + _ENGINE + _OF_CLASS,
}

_MAIN = """\
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

from database import Base, Note, OtherSession, get_db

app = FastAPI()


def get_other():
    with OtherSession() as other:
        yield other


@app.post("/notes")
def create(text: str, db: Session = Depends(get_db)):
    Base.metadata.create_all(db.get_bind())
    note = Note(text=text)
    db.add(note)
    db.commit()
    return note.id


@app.get("/notes")
def read(db: Session = Depends(get_db)):
    return [note.text for note in db.query(Note).all()]


@app.get("/others")
def others(other: Session = Depends(get_other)):
    return other.query(Note).count()
"""

_USE = """
import warnings
warnings.simplefilter("ignore")
from sqlalchemy import create_engine
from fastapi.testclient import TestClient
from main import Base, app
Base.metadata.create_all(create_engine("sqlite:///other.db"))
with TestClient(app) as client:
    for text in ("one", "two"):
        print(client.post("/notes", params={"text": text}).text)
    print(client.get("/notes").text, client.get("/others").text)
"""


@pytest.mark.parametrize("way", _WAYS)
def test_it_stays_sync_with_the_sessions_on_it(way: str, tmp_path: Path) -> None:
    folder = tmp_path / "app"
    database = _DATABASE % _WAYS[way]
    written(folder, {"database.py": database, "main.py": _MAIN, "pyproject.toml": ""})
    before = printed_anew(folder, _USE)
    assert before == '1\n2\n["one","two"] 0\n'
    said = write(folder, "--all")
    assert "connect, which makes it, works on it at once" in said
    main = (folder / "main.py").read_text()
    assert "async def others(" in main
    assert "\ndef read(" in main
    assert printed_anew(folder, _USE) == before
    assert command(folder, "verify").stdout == "Nothing found.\n"
    done = tree(folder)
    write(folder, "--all", "--allow-dirty")
    assert tree(folder) == done, "a second run changes nothing"
