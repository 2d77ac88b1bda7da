"""Session factories that objects keep, and that others open sessions with: `store.Session()`.

The code is executed before and after.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import command, printed_anew, tree, write, written

_STORE = """\
import threading

from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

_lock = threading.Lock()


class Base(DeclarativeBase):
    pass


class Chunk(Base):
    __tablename__ = "chunks"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


class Store:
    def __init__(self, url: str):
        self.engine = create_engine(url)
        self.Session = sessionmaker(bind=self.engine)
        {tables}

    def texts(self) -> list[str]:
        with {lock}self.Session() as session:
            return [chunk.text for chunk in session.query(Chunk).order_by(Chunk.id)]
"""

_DB = """\
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from store import Base

engine = create_engine("sqlite:///app.db")
SessionLocal = sessionmaker(bind=engine)
Base.metadata.create_all(engine)


def get_db():
    with SessionLocal() as db:
        yield db
"""

_MAIN = """\
from fastapi import Depends, FastAPI
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from db import get_db
from store import Base, Chunk, Store

app = FastAPI()
Base.metadata.create_all(create_engine("sqlite:///store.db"))


def filled(store: Store, name: str) -> int:
    with store.Session() as session:
        session.add(Chunk(text=name))
        session.commit()
        return session.query(Chunk).count()


@app.post("/chunks")
def add(name: str):
    store = Store("sqlite:///store.db")
    return [filled(store, name), store.texts()]


@app.get("/own")
def own(db: Session = Depends(get_db)):
    return db.query(Chunk).count()
"""

_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    for name in ("a", "b"):
        print(client.post("/chunks?name=" + name).text, client.get("/own").text)
"""


@pytest.mark.parametrize(
    ("lock", "tables", "definition"),
    [
        ("", "self.name = url", "async def filled("),
        ("_lock, ", "self.name = url", "\ndef filled("),
        ("", "Base.metadata.create_all(self.engine)", "\ndef filled("),
    ],
    ids=["all convert", "a method stays sync", "its __init__ makes the tables"],
)
def test_they_have_the_colour_of_its_methods(
    tmp_path: Path, lock: str, tables: str, definition: str
) -> None:
    store = _STORE.replace("{lock}", lock).replace("{tables}", tables)
    files = {"store.py": store, "db.py": _DB, "main.py": _MAIN}
    written(tmp_path, {**files, "pyproject.toml": ""})
    before = printed_anew(tmp_path, _USE)
    assert '[2,["a","b"]] 0' in before
    write(tmp_path, "--all")
    assert definition in (tmp_path / "main.py").read_text()
    assert printed_anew(tmp_path, _USE) == before
    assert command(tmp_path, "verify").stdout == "Nothing found.\n"
    after = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == after, "a second run changes nothing"
