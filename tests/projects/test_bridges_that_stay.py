"""Bridges that a second run has to leave: into a thread for slow work, and those of tests."""

from __future__ import annotations

from pathlib import Path

from support.migration import own_tests, tree, write

_APP = """\
import functools
import time

from fastapi import Depends, FastAPI
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


engine = create_engine("sqlite:///notes.db")
SessionLocal = sessionmaker(bind=engine)
Base.metadata.create_all(engine)
app = FastAPI()


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


class Notes:
    def __init__(self, db: Session):
        self.db = db

    def all(self):
        Notes.wait("long")
        return [note.text for note in self.db.query(Note).all()]

    @staticmethod
    def wait(how):
        time.sleep(0.01 if how == "long" else 0)


@app.get("/notes")
def read(db: Session = Depends(get_db)):
    return Notes(db).all()


def counted(original):
    @functools.wraps(original)
    def wrapper(*args, **kwargs):
        found = original(*args, **kwargs)
        return found, count(kwargs["db"])

    return wrapper


def count(db: Session):
    return db.query(Note).count()


TABLE = {"count": count}


@counted
def shown(db: Session):
    return count(db)
"""

_TEST = """\
import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from app import Note, SessionLocal, app, counted, get_db, read


@counted
def nothing(db: Session):
    return "nothing"


@pytest.fixture
def db():
    session = SessionLocal()
    yield session
    session.close()


def test_wrapped(db):
    db.query(Note).delete()
    db.commit()
    assert nothing(db=db) == ("nothing", 0)


def test_read(db):
    assert read(db) == []
"""


def test_a_second_run_leaves_them(tmp_path: Path) -> None:
    """Before, it called the one without a thread, and the other with an async session."""
    (tmp_path / "app.py").write_text(_APP)
    (tmp_path / "test_app.py").write_text(_TEST)
    assert own_tests(tmp_path).returncode == 0
    write(tmp_path, "--all")
    assert "run_in_threadpool(Notes.wait" in (tmp_path / "app.py").read_text()
    assert (
        "db.run_sync(lambda session: nothing(db=session))" in (tmp_path / "test_app.py").read_text()
    )
    after = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == after
    done = own_tests(tmp_path)
    assert done.returncode == 0, done.stdout
