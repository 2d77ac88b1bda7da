"""`User.__table__.create(engine)`: tables that are made and dropped one by one.

The code, and the tests of the project, are executed before and after.
"""

from __future__ import annotations

from pathlib import Path

from support.migration import command, own_tests, printed_anew, tree, write, written

_DATABASE = """\
from sqlalchemy import Column, Integer, Table, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

engine = create_engine("sqlite:///notes.db")
SessionLocal = sessionmaker(bind=engine)


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)


class Log(Base):
    __tablename__ = "logs"

    id: Mapped[int] = mapped_column(primary_key=True)


marks = Table("marks", Base.metadata, Column("id", Integer, primary_key=True))


def get_db():
    with SessionLocal() as db:
        yield db


def count(db: Session) -> int:
    return db.query(Note).count()
"""

_MAIN = """\
from fastapi import Depends, FastAPI
from sqlalchemy import inspect
from sqlalchemy.orm import Session

from database import Log, Note, count, engine, get_db, marks

Note.__table__.create(engine, checkfirst=True)
app = FastAPI()


def make():
    Log.__table__.create(bind=engine, checkfirst=True)


@app.post("/tables")
def tables():
    make()
    with engine.begin() as connection:
        marks.create(connection, checkfirst=True)
    return sorted(inspect(engine).get_table_names())


@app.delete("/tables")
def drop():
    marks.drop(engine)
    Log.__table__.drop(engine, checkfirst=True)
    return inspect(engine).get_table_names()


@app.get("/notes")
def notes(db: Session = Depends(get_db)):
    return count(db)
"""

_TESTS = """\
import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from database import Note, count


@pytest.fixture
def test_engine():
    engine = create_engine(
        "sqlite:///:memory:", connect_args={"check_same_thread": False}, poolclass=StaticPool
    )
    Note.__table__.create(engine, checkfirst=True)
    return engine


@pytest.fixture
def session(test_engine):
    with Session(test_engine) as session:
        yield session


def test_count(session):
    session.add(Note())
    session.commit()
    assert count(session) == 1
"""

_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    print(client.get("/notes").text)
    print(client.post("/tables").text, client.delete("/tables").text)
"""


def test_they_are_made_as_before(tmp_path: Path) -> None:
    files = {"database.py": _DATABASE, "main.py": _MAIN, "test_notes.py": _TESTS}
    folder = written(tmp_path / "app", {**files, "pyproject.toml": ""})
    before = printed_anew(folder, _USE)
    assert before == '0\n["logs","marks","notes"] ["notes"]\n'
    assert own_tests(folder).returncode == 0
    said = write(folder, "--all")
    assert "MA201" not in said
    assert "run_sync(Note.__table__.create, checkfirst=True)" in (folder / "main.py").read_text()
    assert printed_anew(folder, _USE) == before
    done = own_tests(folder)
    assert done.returncode == 0, done.stdout
    assert "async def test_count(" in (folder / "test_notes.py").read_text()
    assert command(folder, "verify").stdout == "Nothing found.\n"
    after = tree(folder)
    write(folder, "--all", "--allow-dirty")
    assert tree(folder) == after, "a second run changes nothing"
