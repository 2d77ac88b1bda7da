"""Engines that objects keep, where code that stays sync opens sessions or connections on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import command, printed_anew, tree, write, written

_SESSION = """\
from contextlib import contextmanager

from sqlalchemy import Column, Integer, String, create_engine, text
from sqlalchemy.orm import Session, declarative_base

Base = declarative_base()


class Item(Base):
    __tablename__ = "items"
    id = Column(Integer, primary_key=True)
    name = Column(String)


class EngineSingleton:
    __monostate = None

    def __init__(self):
        if not EngineSingleton.__monostate:
            EngineSingleton.__monostate = self.__dict__
            self.engine = create_engine("sqlite:///app.db")
        else:
            self.__dict__ = EngineSingleton.__monostate


@contextmanager
def own_session():
    session = Session(EngineSingleton().engine, autoflush=True)
    try:
        yield session
    finally:
        session.close()


def get_db():
    with own_session() as session:
        yield session
"""
_MAIN = """\
from fastapi import Depends, FastAPI
from sqlalchemy import text
from sqlalchemy.orm import Session

from session import Base, EngineSingleton, Item, get_db, own_session

app = FastAPI()


class Seeds:
    def __init__(self):
        {work}


def create_app():
    Base.metadata.create_all(EngineSingleton().engine, checkfirst=True)
    Seeds()
    return app


@app.get("/items")
def items(db: Session = Depends(get_db)):
    return [item.name for item in db.query(Item)]


create_app()
"""
_OWN = """with own_session() as session:
            if not session.query(Item).count():
                session.add(Item(name="one"))
                session.commit()"""
_DIRECT = {
    "constructor": """with Session(EngineSingleton().engine) as session:
            session.add(Item(name="one"))
            session.commit()""",
    "connection": """with EngineSingleton().engine.begin() as connection:
            connection.execute(text("INSERT INTO items (name) VALUES ('one')"))""",
}
_USE = """\
from fastapi.testclient import TestClient

from main import app

with TestClient(app) as client:
    print(client.get("/items").json())
"""


def _written(folder: Path, work: str) -> Path:
    app = written(folder, {"session.py": _SESSION, "main.py": _MAIN.replace("{work}", work)})
    assert printed_anew(app, _USE) == "['one']\n"
    return app


def test_the_engine_stays_what_a_source_that_stays_needs(tmp_path: Path) -> None:
    """An object has no sync engine beside an async one: `verify` refused the run (`MA284`)."""
    app = _written(tmp_path, _OWN)
    said = write(app, "--all")
    assert "session.get_db stays sync: its session comes from session.own_session" in said
    assert printed_anew(app, _USE) == "['one']\n"
    assert command(app, "verify").stdout == "Nothing found.\n"
    done = tree(app)
    write(app, "--all")
    assert tree(app) == done


@pytest.mark.parametrize("work", _DIRECT)
def test_what_opens_its_own_on_it_is_named(work: str, tmp_path: Path) -> None:
    app = _written(tmp_path, _DIRECT[work])
    before = tree(app)
    said = command(app, "migrate", "--all", "--write")
    assert said.returncode != 0
    assert "Seeds.__init__ stays sync" in said.stderr
    assert "EngineSingleton().engine will give an AsyncSession" in said.stderr
    assert tree(app) == before


def test_what_stays_enters_a_copy_where_the_engine_can_have_a_sync_one(tmp_path: Path) -> None:
    app = _written(tmp_path, _OWN)
    session = _SESSION.replace('create_engine("sqlite:///app.db")', "create_engine(database_url())")
    session = session.replace(
        "\n\nclass EngineSingleton",
        '\n\ndef database_url():\n    return "sqlite:///app.db"\n\n\nclass EngineSingleton',
    )
    (app / "session.py").write_text(session)
    write(app, "--all")
    assert "def sync_own_session():" in (app / "session.py").read_text()
    assert "with sync_own_session() as session:" in (app / "main.py").read_text()
    assert "async def items(" in (app / "main.py").read_text()
    assert printed_anew(app, _USE) == "['one']\n"
    assert command(app, "verify").stdout == "Nothing found.\n"
    done = tree(app)
    write(app, "--all")
    assert tree(app) == done
