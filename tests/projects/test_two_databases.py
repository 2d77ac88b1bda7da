"""Applications with two databases: each session goes on coming from its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.model.selection import EVERYTHING
from support.http_sequence import replay
from support.migration import tree, written
from support.route_by_route import in_random_order, migrate

_BASE = """\
import os

from sqlalchemy import Column, Integer, String, create_engine
from sqlalchemy.orm import Session, declarative_base, sessionmaker

Base = declarative_base()
URL = os.environ.get("DATABASE_URL", "sqlite:///own.db")
engine = create_engine(URL)
SessionLocal = sessionmaker(bind=engine)
archive_engine = create_engine(URL + ".archive")
ArchiveSession = sessionmaker(bind=archive_engine)


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(String)


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


def open_archive():
    return ArchiveSession()


def get_archive():
    db = open_archive()
    try:
        yield db
    finally:
        db.close()


def get_same_archive():
    yield from get_archive()
"""
_MAIN = """\
import threading

import base
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

from base import ArchiveSession, Base, SessionLocal, User, archive_engine, engine
from base import get_archive, get_db, get_same_archive

app = FastAPI()


@app.on_event("startup")
def fill():
    for each, names in ((engine, ["Ada"]), (archive_engine, ["Bea", "Cy"])):
        Base.metadata.create_all(each)
        with Session(each) as db:
            db.add_all([User(name=name) for name in names])
            db.commit()


class Fetched:
    def __init__(self):
        self.db = next(get_archive())

    def count(self):
        return self.db.query(User).count()


class Opened:
    def __init__(self):
        self.db = ArchiveSession()

    def count(self):
        return self.db.query(User).count()


class Own:
    def __init__(self):
        self.db = SessionLocal()

    def count(self):
        return self.db.query(User).count()


@app.get("/main")
def main(db: Session = Depends(get_db)):
    return db.query(User).count()


@app.get("/mine")
def mine(db: Session = Depends(get_db)):
    return db.query(User).order_by(User.id).first().name


@app.get("/archive")
def archive(db: Session = Depends(get_archive)):
    return db.query(User).count()


@app.get("/next")
def fetched():
    db = next(get_archive())
    return db.query(User).count()


@app.get("/generator")
def generator():
    sessions = base.get_same_archive()
    db = next(sessions)
    found = db.query(User).count()
    sessions.close()
    return found


@app.get("/helper")
def helper():
    return count_archived()


def count_archived():
    db = next(get_same_archive())
    return db.query(User).count()


@app.get("/both")
def both():
    ours, theirs = next(get_db()), next(get_archive())
    return [ours.query(User).count(), theirs.query(User).count()]


@app.get("/objects")
def objects(db: Session = Depends(get_db)):
    return [db.query(User).count(), Fetched().count(), Opened().count()]


@app.get("/own")
def own(db: Session = Depends(get_archive)):
    return [db.query(User).count(), Own().count()]


@app.get("/thread")
def thread():
    found = []

    def work():
        db = next(get_archive())
        found.append(db.query(User).count())
        db.close()

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    return found
"""
_FILES = {"base.py": _BASE, "main.py": _MAIN}
_PATHS = (
    *("main", "mine", "archive", "next", "generator", "helper", "both", "objects"),
    *("own", "thread"),
)


def _answers(folder: Path) -> list[dict[str, object]]:
    requests = [{"method": "GET", "path": f"/{path}"} for path in _PATHS]
    return replay(folder, requests, app="main:app")


def test_no_session_changes_its_database(tmp_path: Path) -> None:
    """What `next(get_archive())` gave was asked of the main dependency, in every form."""
    folder = written(tmp_path, _FILES)
    expected = _answers(folder)
    assert [answer["json"] for answer in expected] == [
        *(1, "Ada", 2, 2, 2, 2, [1, 2], [1, 2, 2]),
        *([2, 1], [2]),
    ]
    migrate(folder, EVERYTHING)
    assert _answers(folder) == expected
    assert b"async def fetched(db: AsyncSession = Depends(get_archive))" in tree(folder)["main.py"]


@pytest.mark.parametrize("seed", range(2))
def test_each_step_keeps_them_apart(tmp_path: Path, seed: int) -> None:
    folder = written(tmp_path, _FILES)
    expected = _answers(folder)
    for done in in_random_order(folder, seed):
        assert _answers(folder) == expected, done


def test_two_services_of_one_name(tmp_path: Path) -> None:
    """One took the sync factory of the other."""
    service = _BASE + (
        "\n\ndef counted(db: Session = next(get_archive())):\n    return db.query(User).count()\n"
    )
    files = {f"{name}/app/main.py": service for name in ("orders", "users")}
    folder = written(tmp_path, files)
    migrate(folder, EVERYTHING)
    found = tree(folder)
    for name, other in (("orders", "users"), ("users", "orders")):
        text = found[f"{name}/app/main.py"]
        assert other.encode() not in text.replace(b'"users"', b"")
        assert b"own_sync_get_archive" not in text, "nobody would use it"
    migrate(folder, EVERYTHING)
    assert tree(folder) == found


_ENTERED = """

@app.get("/entered")
def entered():
    with contextmanager(get_archive)() as db:
        return db.query(User).count()
"""


def test_a_dependency_that_stays_sync_is_not_asked_for(tmp_path: Path) -> None:
    """Its factory is, which has both sides."""
    main = f"from contextlib import contextmanager\n{_MAIN}{_ENTERED}"
    folder = written(tmp_path, {**_FILES, "main.py": main})
    expected = _answers(folder)
    migrate(folder, EVERYTHING)
    assert (
        b"async def fetched():\n    async with ArchiveSession() as db:" in tree(folder)["main.py"]
    )
    assert _answers(folder) == expected
