"""`Depends(get_db, scope="function")`: FastAPI has another session for each scope.

What stays sync shares the one of the request with what has migrated, which sees its rows before any
commit. Executed before, after each route and after all.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.model.selection import EVERYTHING
from support.migration import printed, tree
from support.route_by_route import in_random_order, migrate

pytest.importorskip("fastapi", minversion="0.121")

_MAIN = """\
from typing import Annotated, Iterator

from fastapi import Depends, FastAPI
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

engine = create_engine("sqlite:///items.db")
SessionLocal = sessionmaker(bind=engine)


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


Base.metadata.create_all(engine)


def get_db() -> Iterator[Session]:
    with SessionLocal() as db:
        yield db
        db.commit()


SessionDep = Annotated[Session, Depends(get_db, scope="function")]


class Names:
    def __init__(self, db: Session) -> None:
        self.db = db

    @property
    def all(self) -> list[str]:
        return list(self.db.scalars(select(Item.name).order_by(Item.id)))


def get_names(db: SessionDep) -> Names:
    return Names(db)


def stored(db: SessionDep, name: str) -> str:
    db.add(Item(name=name))
    db.flush()
    return name


app = FastAPI()


@app.post("/items")
def add(names: Annotated[Names, Depends(get_names)], name: Annotated[str, Depends(stored)]) -> list:
    return [name, *names.all]


@app.post("/more")
def more(name: str, db: SessionDep) -> int:
    db.add(Item(name=name))
    return 1


@app.get("/items")
def read(names: Annotated[Names, Depends(get_names)]) -> list[str]:
    return names.all


def all_of(names: Names) -> list[str]:
    return getattr(names, "all")
"""
_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    print([client.post(path, params={"name": name}).text for path, name in USED])
    print(client.get("/items").text)
"""
_USED = 'USED = [("/items", "a"), ("/more", "b"), ("/items", "c")]\n'
_ANSWERS = """['["a","a"]', '1', '["c","a","b","c"]']\n["a","b","c"]\n"""


def _written(folder: Path) -> Path:
    folder.mkdir()
    (folder / "main.py").write_text(_MAIN)
    (folder / "pyproject.toml").write_text("")
    return folder


def _used(folder: Path) -> str:
    try:
        return printed(folder, _USED + _USE)
    finally:
        (folder / "items.db").unlink(missing_ok=True)


def test_one_session_for_both_worlds(tmp_path: Path) -> None:
    once = _written(tmp_path / "once")
    assert _used(once) == _ANSWERS
    migrate(once, EVERYTHING)
    assert _used(once) == _ANSWERS
    done = tree(once)
    assert b"async def stored(" in done["main.py"]
    assert b"def get_names(db: SyncSessionDep) -> Names:" in done["main.py"]
    migrate(once, EVERYTHING)
    assert tree(once) == done, "a second run changes nothing"
    steps = _written(tmp_path / "steps")
    for route in in_random_order(steps, 1):
        assert _used(steps) == _ANSWERS, route
    assert tree(steps) == done
