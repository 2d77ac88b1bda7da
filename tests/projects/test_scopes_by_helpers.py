"""Context managers that ask a function for their session, entered by routes and by a thread.

The code is executed before and after.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import printed_anew, tree, write

pytestmark = pytest.mark.any_sqlalchemy

_DATABASE = """\
from contextlib import contextmanager

from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

engine = create_engine("sqlite:///notes.db")
SessionLocal = sessionmaker(bind=engine)


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


Base.metadata.create_all(engine)

{helpers}

@contextmanager
def session_scope():
    db = get_session()
    try:
        yield db
        db.commit()
    except Exception:
        db.rollback()
        raise
    finally:
        db.close()


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
"""

_ONE = """
def get_session() -> Session:
    return SessionLocal()
"""

_TWO = """
def opened():
    db = SessionLocal()
    return db


def get_session() -> Session:
    return opened()
"""

_SHARED = """
_current = None


def get_session() -> Session:
    global _current
    if _current is None:
        _current = SessionLocal()
    return _current
"""

_OF_THREAD = """
from threading import local

_local = local()


def get_session() -> Session:
    if not hasattr(_local, "session"):
        _local.session = SessionLocal()
    return _local.session
"""

_MAIN = """\
from threading import Thread

from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

from database import Note, get_db, session_scope

app = FastAPI()


def shout(key: int):
    with session_scope() as db:
        note = db.query(Note).filter(Note.id == key).one()
        note.text = note.text.upper()


@app.post("/notes")
def add(text: str):
    with session_scope() as db:
        db.add(Note(text=text))
        if not text:
            raise ValueError(text)
    return text


@app.post("/notes/{key}/shout")
def shout_soon(key: int):
    thread = Thread(target=shout, args=(key,))
    thread.start()
    thread.join()
    return key


@app.get("/notes")
def notes(db: Session = Depends(get_db)):
    return [note.text for note in db.query(Note).order_by(Note.id)]
"""

_USE = """
from fastapi.testclient import TestClient
from main import app
with TestClient(app, raise_server_exceptions=False) as client:
    for method, url in (
        ("POST", "/notes?text=one"), ("POST", "/notes?text="), ("POST", "/notes?text=two"),
        ("POST", "/notes/2/shout"), ("GET", "/notes"),
    ):
        answer = client.request(method, url)
        print(answer.status_code, answer.text)
"""


def _application(folder: Path, helpers: str) -> str:
    """Written into `folder`; what it answers."""
    (folder / "database.py").write_text(_DATABASE.replace("{helpers}", helpers))
    (folder / "main.py").write_text(_MAIN)
    return _answers(folder)


def _answers(folder: Path) -> str:
    (folder / "notes.db").unlink(missing_ok=True)
    return printed_anew(folder, _USE)


@pytest.mark.parametrize("helpers", [_ONE, _TWO], ids=["one", "two"])
def test_a_thread_enters_a_copy_of_its_own(tmp_path: Path, helpers: str) -> None:
    before = _application(tmp_path, helpers)
    assert '200 ["one","TWO"]' in before
    write(tmp_path, "--route", "POST /notes")
    assert _answers(tmp_path) == before
    write(tmp_path, "--all", "--allow-dirty")
    assert _answers(tmp_path) == before
    database = (tmp_path / "database.py").read_text()
    assert "\nasync def session_scope():" in database
    assert "    db = sync_get_session()\n" in database
    assert "with sync_session_scope() as db:" in (tmp_path / "main.py").read_text()
    after = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == after, "a second run changes nothing"


@pytest.mark.parametrize("helpers", [_SHARED, _OF_THREAD], ids=["process", "thread"])
def test_a_session_that_is_kept_has_no_copy(tmp_path: Path, helpers: str) -> None:
    before = _application(tmp_path, helpers)
    write(tmp_path, "--all")
    assert _answers(tmp_path) == before
    assert "sync_session_scope" not in (tmp_path / "database.py").read_text()
