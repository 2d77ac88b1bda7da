"""Async twins of methods, and how they take the place of the originals at the end: executed."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import command, printed_anew, tree, write, written

pytestmark = pytest.mark.any_sqlalchemy

_MAIN = """\
from fastapi import Depends, FastAPI
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from jobs import register

engine = create_engine("sqlite:///items.db")
SessionLocal = sessionmaker(bind=engine)


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


Base.metadata.create_all(engine)
app = FastAPI()


def get_db():
    with SessionLocal() as db:
        yield db


class Items:
    def add(self, db: Session, name: str) -> Item:
        item = Item(name=self.tidy(name))
        db.add(item)
        db.commit()
        db.refresh(item)
        return item

    def tidy(self, name: str) -> str:
        return name.strip()

    @staticmethod
    def count(db: Session) -> int:
        return db.query(Item).count()

    @classmethod
    def names(cls, db: Session) -> list[str]:
        return [item.name for item in db.query(Item).order_by(Item.id)]

    def both(self, db: Session, name: str) -> int:
        self.add(db, name)
        self.add(db, name)
        return self.count(db)


class LoudItems(Items):
    def tidy(self, name: str) -> str:
        return name.upper()

    def both(self, db: Session, name: str) -> int:
        return super().both(db, name) + 100


items = Items()
loud = LoudItems()


def tasks():
    with SessionLocal() as db:
        items.both(db, "task")
        loud.both(db, "loud")
        Items.names(db)
        Items.count(db)


register(tasks)


@app.post("/items/{name}")
def add(name: str, db: Session = Depends(get_db)):
    return items.add(db, name).name


@app.post("/both/{name}")
def both(name: str, db: Session = Depends(get_db)):
    return items.both(db, name)


@app.post("/loud/{name}")
def loudly(name: str, db: Session = Depends(get_db)):
    return loud.both(db, name)


@app.get("/names")
def names(db: Session = Depends(get_db)):
    return Items.names(db)
"""
_TASKS = """\
def tasks():
    with SessionLocal() as db:
        items.both(db, "task")
        loud.both(db, "loud")
        Items.names(db)
        Items.count(db)
"""
_JOBS = """\
jobs = []


def register(function):
    jobs.append(function)
"""
_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from jobs import jobs
from main import app
with TestClient(app) as client:
    print(client.post("/items/ a ").text, client.post("/both/b").text)
    for job in jobs:
        job()
    print(client.post("/loud/c").text, client.get("/names").text)
"""


def _used(folder: Path) -> str:
    return printed_anew(folder, _USE)


def test_twins_of_methods_take_the_names_of_their_originals(tmp_path: Path) -> None:
    """Static ones, those of classes and overrides; `finish` names who is in the way until then."""
    folder = written(tmp_path / "app", {"main.py": _MAIN, "jobs.py": _JOBS})
    before = _used(folder)
    assert before == '"a" 3\n109 ["a","b","b","task","task","LOUD","LOUD","C","C"]\n'
    write(folder, "--all", "--keep-both")
    main = folder / "main.py"
    assert main.read_text().count("@sync_twin(") == 5
    assert _used(folder) == before
    blocked = command(folder, "finish", "--check").stdout
    assert blocked.count("the sync original of an async twin") == 4, "those in the task"
    assert "is still there" not in blocked

    without = main.read_text().replace(_TASKS.replace("SessionLocal", "SyncSessionLocal"), _NOTHING)
    main.write_text(without)
    blocked = command(folder, "finish", "--check").stdout
    assert blocked.count("run `migrate-async migrate --all --write`") == 5
    assert "still uses" not in blocked
    write(folder, "--all", "--allow-dirty")
    assert command(folder, "finish", "--check").stdout.startswith("Nothing to change")
    other = {"main.py": _MAIN.replace(_TASKS, _NOTHING), "jobs.py": _JOBS}
    once = written(tmp_path / "once", other)
    write(once, "--all")
    assert tree(folder) == tree(once)
    assert _used(folder) == '"a" 3\n105 ["a","b","b","C","C"]\n'


_NOTHING = """\
def tasks():
    pass
"""
