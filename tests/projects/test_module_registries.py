"""A `scoped_session` in a variable of a module, which gives each request its session.

The code is executed before, after one route, and after all.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import printed_anew, tree, write

_DB = """\
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, scoped_session, sessionmaker


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


engine = create_engine("sqlite:///notes.db")
{registry}
Base.metadata.create_all(engine)


def get_db():
{body}
"""

_MAIN = """\
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

from db import Note, db_session, get_db

app = FastAPI()


@app.post("/notes")
def create(text: str, db: Session = Depends(get_db)):
    db.add(Note(text=text))
    db.commit()
    return text


@app.get("/notes")
def read(db: Session = Depends(get_db)):
    return [note.text for note in db.query(Note).order_by(Note.id).all()]


@app.get("/count")
def count():
    db = db_session()
    try:
        return db.query(Note).count()
    finally:
        db_session.remove()
"""

_FACTORY = "SessionLocal = sessionmaker(autocommit=False, autoflush=False, bind=engine)\n"
_CLOSED = """\
    db = db_session()
    try:
        yield db
    finally:
        db.close()
"""
_REMOVED = _CLOSED.replace("db.close()", "db_session.remove()")
_BLOCK = """\
    with db_session() as db:
        yield db
"""

_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
from db import engine
with TestClient(app) as client:
    for text in ("one", "two"):
        print(client.post("/notes", params={"text": text}).text)
    print(client.get("/notes").text, client.get("/count").text)
print(getattr(engine, "sync_engine", engine).pool.checkedout())
"""


def _used(folder: Path) -> str:
    return printed_anew(folder, _USE)


def _written(folder: Path, registry: str, body: str, main: str = _MAIN) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "db.py").write_text(_DB.replace("{registry}", registry).replace("{body}", body))
    (folder / "main.py").write_text(main)
    return folder


@pytest.mark.parametrize(
    ("registry", "body"),
    [
        (f"{_FACTORY}db_session = scoped_session(SessionLocal)", _CLOSED),
        ("db_session = scoped_session(sessionmaker(bind=engine))", _REMOVED),
        (f"{_FACTORY}db_session = scoped_session(session_factory=SessionLocal)", _BLOCK),
    ],
)
def test_a_session_for_each_task(tmp_path: Path, registry: str, body: str) -> None:
    _written(tmp_path, registry, body)
    before = _used(tmp_path)
    assert '["one","two"] 2' in before
    write(tmp_path, "--route", "GET /notes")
    assert "get_sync_db" in (tmp_path / "main.py").read_text(), "the other route stays sync"
    assert _used(tmp_path) == before
    said = write(tmp_path, "--all", "--allow-dirty")
    assert "MA205" not in said
    assert "db_session = task_scoped_session(" in (tmp_path / "db.py").read_text()
    assert "HopSession" not in (tmp_path / "db.py").read_text(), "it went with what needed it"
    assert "await db_session.remove()" in (tmp_path / "main.py").read_text()
    assert _used(tmp_path) == before
    after = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == after, "a second run changes nothing"


_HANDED_ON = _CLOSED.replace("db_session()", "db_session")
_READ = "\n\ndef all_notes():\n    return db_session.query(Note).all()\n"


@pytest.mark.parametrize(
    ("registry", "body", "more"),
    [
        ("db_session = scoped_session(sessionmaker(bind=engine))", _HANDED_ON, ""),
        ("db_session = scoped_session(sessionmaker(bind=engine))", _CLOSED, _READ),
        (
            "db_session = scoped_session(sessionmaker(bind=engine))",
            _CLOSED,
            "\n\nif __name__ == '__main__':\n    print(db_session())\n",
        ),
    ],
)
def test_what_is_used_otherwise_stays_sync(
    tmp_path: Path, registry: str, body: str, more: str
) -> None:
    """Before, coroutines awaited a sync session."""
    _written(tmp_path, registry, body, _MAIN + more)
    before = _used(tmp_path)
    said = write(tmp_path, "--all")
    assert "MA205" in said
    assert "db_session stays sync (scoped_session keeps one session per thread" in said
    assert registry in (tmp_path / "db.py").read_text()
    assert "async def" not in (tmp_path / "main.py").read_text()
    assert _used(tmp_path) == before
