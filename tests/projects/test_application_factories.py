"""A function that makes the application and fills the database: a server calls it by its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.model.selection import EVERYTHING
from support.migration import printed, tree
from support.route_by_route import in_random_order, migrate

_DATABASE = """\
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

engine = create_engine("sqlite:///items.db")
SessionLocal = sessionmaker(bind=engine)


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


def get_db():
    with SessionLocal() as db:
        yield db
"""
_MAIN = """\
from fastapi import APIRouter, Depends, FastAPI
from sqlalchemy import select
from sqlalchemy.orm import Session

from db import Base, Item, SessionLocal, engine, get_db

router = APIRouter()


def names(db: Session) -> list[str]:
    return list(db.scalars(select(Item.name).order_by(Item.id)))


@router.get("/items")
def read(db: Session = Depends(get_db)) -> list[str]:
    return names(db)


@router.post("/items/{name}")
def add(name: str, db: Session = Depends(get_db)) -> list[str]:
    db.add(Item(name=name))
    db.commit()
    return names(db)


def fill() -> None:
    with SessionLocal() as db:
        if not names(db):
            db.add(Item(name="first"))
            db.commit()


def create_app() -> FastAPI:
    app = FastAPI()
    Base.metadata.create_all(engine)
    fill()
    app.include_router(router)
    return app
"""
_FACTORY_OF_A_NAME = _MAIN.replace("    app = FastAPI()\n", "    application = FastAPI\n").replace(
    "    app.include_router(router)\n    return app\n",
    "    app = application()\n    app.include_router(router)\n    return app\n",
)
_CLASS_OF_ITS_OWN = _MAIN.replace(
    "def create_app() -> FastAPI:\n    app = FastAPI()\n",
    "class Shop(FastAPI):\n    pass\n\n\ndef create_app() -> FastAPI:\n    app = Shop()\n",
)
_USE = """
import importlib, warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
application = getattr(importlib.import_module("main"), "create_app")()
with TestClient(application) as client:
    print(client.post("/items/second").json(), client.get("/items").json())
"""
_ANSWERS = "['first', 'second'] ['first', 'second']\n"


def _written(folder: Path, main: str) -> Path:
    folder.mkdir()
    (folder / "db.py").write_text(_DATABASE)
    (folder / "main.py").write_text(main)
    (folder / "pyproject.toml").write_text("")
    return folder


def _used(folder: Path) -> str:
    try:
        return printed(folder, _USE)
    finally:
        (folder / "items.db").unlink(missing_ok=True)


@pytest.mark.parametrize("main", [_MAIN, _FACTORY_OF_A_NAME, _CLASS_OF_ITS_OWN])
def test_the_application_is_made_as_it_was(main: str, tmp_path: Path) -> None:
    once = _written(tmp_path / "once", main)
    assert _used(once) == _ANSWERS
    migrate(once, EVERYTHING)
    assert _used(once) == _ANSWERS
    done = tree(once)
    assert b"\ndef create_app() -> FastAPI:" in done["main.py"]
    assert b"async def read(" in done["main.py"]
    migrate(once, EVERYTHING)
    assert tree(once) == done, "a second run changes nothing"
    steps = _written(tmp_path / "steps", main)
    for route in in_random_order(steps, 1):
        assert _used(steps) == _ANSWERS, route
    assert tree(steps) == done
