"""A dependency that names its session in quotes, since that is defined below it.

What it makes stays sync: it takes the sync side. Executed before, after each route and after all.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.model.selection import EVERYTHING
from support.migration import printed, tree
from support.route_by_route import in_random_order, migrate

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


class Names:
    def __init__(self, db: Session) -> None:
        self.db = db

    {decorator}
    def all(self) -> list[str]:
        return list(self.db.scalars(select(Item.name).order_by(Item.id)))


def get_names(db: "SessionDep") -> Names:
    return Names(db)


def latest(db: "SessionDep") -> str:
    return db.scalars(select(Item.name).order_by(Item.id.desc())).first() or ""


SessionDep = Annotated[Session, Depends(get_db)]
NamesDep = Annotated[Names, Depends(get_names)]
app = FastAPI()


@app.get("/names")
def read(names: NamesDep) -> list[str]:
    return names.all{call}


@app.get("/latest")
def read_latest(name: Annotated[str, Depends(latest)]) -> str:
    return name


@app.post("/items/{{name}}")
def add(name: str, db: SessionDep, names: NamesDep) -> list[str]:
    db.add(Item(name=name))
    db.commit()
    return names.all{call}


def all_of(names: Names) -> list[str]:
    return getattr(names, "all"){call}
"""
_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    print([client.post(f"/items/{name}").text for name in "ab"])
    print(client.get("/names").text, client.get("/latest").text)
"""
_ANSWERS = """['["a"]', '["a","b"]']\n["a","b"] "b"\n"""


def _written(folder: Path, decorator: str, call: str) -> Path:
    folder.mkdir()
    (folder / "main.py").write_text(_MAIN.format(decorator=decorator, call=call))
    (folder / "pyproject.toml").write_text("")
    return folder


def _used(folder: Path) -> str:
    try:
        return printed(folder, _USE)
    finally:
        (folder / "items.db").unlink(missing_ok=True)


_WHOLE = '"Annotated[Session, Depends(get_db)]"'


@pytest.mark.parametrize(("decorator", "call"), [("@property", ""), ("", "()")])
def test_all_of_it_in_quotes(decorator: str, call: str, tmp_path: Path) -> None:
    once, steps = (_written(tmp_path / name, decorator, call) for name in ("once", "steps"))
    for folder in (once, steps):
        main = folder / "main.py"
        main.write_text(main.read_text().replace('"SessionDep"', _WHOLE))
    assert _used(once) == _ANSWERS
    migrate(once, EVERYTHING)
    assert _used(once) == _ANSWERS
    done = tree(once)
    assert (b'"Annotated[Session, Depends(get_sync_db)]"' in done["main.py"]) is bool(decorator)
    migrate(once, EVERYTHING)
    assert tree(once) == done, "a second run changes nothing"
    for route in in_random_order(steps, 1):
        assert _used(steps) == _ANSWERS, route
    assert tree(steps) == done


@pytest.mark.parametrize(("decorator", "call"), [("@property", ""), ("", "()")])
def test_an_alias_in_quotes(decorator: str, call: str, tmp_path: Path) -> None:
    once = _written(tmp_path / "once", decorator, call)
    assert _used(once) == _ANSWERS
    migrate(once, EVERYTHING)
    assert _used(once) == _ANSWERS
    done = tree(once)
    stays = bool(decorator)
    assert (b'def get_names(db: "SyncSessionDep") -> Names:' in done["main.py"]) is stays
    assert b'async def latest(db: "SessionDep") -> str:' in done["main.py"]
    migrate(once, EVERYTHING)
    assert tree(once) == done, "a second run changes nothing"
    steps = _written(tmp_path / "steps", decorator, call)
    for route in in_random_order(steps, 1):
        assert _used(steps) == _ANSWERS, route
    assert tree(steps) == done
