"""Sessions that are made once for the process: in a module, a class, a default, an object.

What works on one stays sync, as it was: tasks would take turns on it. The code is executed before
and after, and for some of them after each route.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import command, printed_anew, tree, write
from support.route_by_route import in_random_order

_HEAD = """\
from functools import lru_cache
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

engine = create_engine("sqlite:///items.db", connect_args={"check_same_thread": False})
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


def total(db: Session):
    return db.scalar(select(func.count()).select_from(Item))


@app.post("/items/{name}")
def add(name: str, db: Session = Depends(get_db)):
    db.add(Item(name=name))
    db.commit()


@app.get("/names")
def names(db: Session = Depends(get_db)):
    return [item.name for item in db.query(Item)]


"""
_KEEPER = """\
class Repo:
    def __init__(self, db: Session):
        self.db = db

    def count(self):
        return self.db.scalar(select(func.count()).select_from(Item))


"""


def _route(code: str) -> str:
    return f'\n\n@app.get("/count")\ndef count():\n    return {code}\n'


_WAYS = {
    "a variable": "db = SessionLocal()\n" + _route("total(db)"),
    "a function gives a variable": """\
db = SessionLocal()


def session():
    return db
"""
    + _route("session().scalar(select(func.count()).select_from(Item))"),
    "a global": """\
db = None


def session():
    global db
    if db is None:
        db = SessionLocal()
    return db
"""
    + _route("session().scalar(select(func.count()).select_from(Item))"),
    "a default": """\
def count_in(db: Session = SessionLocal()):
    return db.scalar(select(func.count()).select_from(Item))
"""
    + _route("count_in()"),
    "a class": """\
class Repo:
    db = SessionLocal()

    def count(self):
        return self.db.scalar(select(func.count()).select_from(Item))

    @classmethod
    def of_class(cls):
        return total(cls.db)

    @staticmethod
    def static():
        return Repo.db.query(Item).count()
"""
    + _route("(Repo().count() + Repo.of_class() + Repo.static()) // 3"),
    "a class above": """\
class Keeper:
    db: Session = SessionLocal()


class Repo(Keeper):
    def session(self):
        return self.db

    def count(self):
        return self.session().scalar(select(func.count()).select_from(Item))
"""
    + _route("Repo().count()"),
    "a method sets it in the class": """\
class Repo:
    @classmethod
    def open(cls):
        cls.db = SessionLocal()

    @classmethod
    def count(cls):
        return cls.db.scalar(select(func.count()).select_from(Item))


Repo.open()
"""
    + _route("Repo.count()"),
    "the only object": """\
class Repo:
    _only = None

    def __new__(cls):
        if cls._only is None:
            cls._only = super().__new__(cls)
            cls._only.db = SessionLocal()
        return cls._only

    def count(self):
        return self.db.scalar(select(func.count()).select_from(Item))
"""
    + _route("Repo().count()"),
    "an object": f"{_KEEPER}repo = Repo(SessionLocal())\n" + _route("repo.count()"),
    "an object that opens it": _KEEPER.replace("self, db: Session", "self").replace(
        "= db\n", "= SessionLocal()\n"
    )
    + "repo = Repo()\n"
    + _route("repo.count()"),
    "an object of a class": _KEEPER
    + """\
class Service:
    repo = Repo(SessionLocal())

    def count(self):
        return self.repo.count()
"""
    + _route("Service().count()"),
    "an object in an object": _KEEPER
    + """\
class Service:
    def __init__(self):
        self.repo = Repo(SessionLocal())

    def count(self):
        return self.repo.count()


service = Service()
"""
    + _route("service.count()"),
    "an object that a function makes": _KEEPER
    + "def make():\n    return Repo(SessionLocal())\n\n\nrepo = make()\n"
    + _route("repo.count()"),
    "an object that a cache keeps": _KEEPER
    + "@lru_cache\ndef make():\n    return Repo(SessionLocal())\n"
    + _route("make().count()"),
    "an object in a global": _KEEPER
    + """\
repo = None


def get_repo():
    global repo
    if repo is None:
        repo = Repo(SessionLocal())
    return repo
"""
    + _route("get_repo().count()"),
    "the state": """\
@app.on_event("startup")
def start():
    app.state.db = SessionLocal()
"""
    + _route("request.app.state.db.scalar(select(func.count()).select_from(Item))").replace(
        "count()", "count(request: Request)", 1
    ),
    "beside an alias": """\
Db = Annotated[Session, Depends(get_db)]
db = SessionLocal()


@app.get("/first")
def first(db: Db):
    return db.query(Item).first()


@app.get("/last")
def last(db: Db):
    db.bulk_save_objects([])
    return db.query(Item).count()


"""
    + _route("total(db)"),
    "an object in the state": _KEEPER
    + """\
@app.on_event("startup")
def start():
    repo = Repo(SessionLocal())
    app.state.repo = repo
"""
    + _route("request.app.state.repo.count()").replace("count()", "count(request: Request)", 1),
}
_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    for name in ("a", "b"):
        print(client.post("/items/" + name).text, client.get("/count").text)
    print(client.get("/names").text)
"""
_ANSWERS = """null 1\nnull 2\n["a","b"]\n"""


def _written(folder: Path, way: str) -> Path:
    folder.mkdir()
    (folder / "main.py").write_text(_HEAD + _WAYS[way])
    (folder / "pyproject.toml").write_text("")
    return folder


def _used(folder: Path) -> str:
    return printed_anew(folder, _USE)


@pytest.mark.parametrize("way", _WAYS)
def test_it_stays_sync_with_all_who_use_it(way: str, tmp_path: Path) -> None:
    folder = _written(tmp_path / "app", way)
    assert _used(folder) == _ANSWERS
    said = write(folder, "--all")
    assert "stays sync" in said
    text = (folder / "main.py").read_text()
    assert "async def names(" in text
    assert text.count("SyncSessionLocal()") == 1
    assert _used(folder) == _ANSWERS
    assert command(folder, "verify").stdout == "Nothing found.\n"
    done = tree(folder)
    write(folder, "--all", "--allow-dirty")
    assert tree(folder) == done, "a second run changes nothing"


@pytest.mark.parametrize("way", ["a class", "an object", "an object in the state"])
def test_it_stays_so_route_by_route(way: str, tmp_path: Path) -> None:
    once = _written(tmp_path / "once", way)
    write(once, "--all")
    steps = _written(tmp_path / "steps", way)
    for route in in_random_order(steps, 1):
        assert _used(steps) == _ANSWERS, route
    assert tree(steps) == tree(once)


def test_an_object_for_each_request_converts(tmp_path: Path) -> None:
    """Also where a script of the same module makes one, and a function keeps others for itself."""
    folder = _written(tmp_path / "app", "an object")
    main = folder / "main.py"
    text = (
        main.read_text().replace("repo = Repo(SessionLocal())\n", "").replace("repo.", "Repo(db).")
    )
    text = text.replace("def count():", "def count(db: Session = Depends(get_db)):")
    script = "\n\nif __name__ == '__main__':\n    with SessionLocal() as own:\n        names(own)\n"
    main.write_text(text + script)
    assert _used(folder) == _ANSWERS
    write(folder, "--all")
    assert "    async def count(self):" in main.read_text()
    assert _used(folder) == _ANSWERS
