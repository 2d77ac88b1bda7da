"""Sessions that reach code which stays sync on by-ways: the code is executed before and after."""

from __future__ import annotations

from pathlib import Path

from support.migration import printed, printed_anew, tree, write

_DB = """\
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

engine = create_engine("sqlite:///notes.db")
SessionLocal = sessionmaker(bind=engine)


class Mixin:
    def rename(self, text):
        self.__init__(text)


class Base(DeclarativeBase, Mixin):
    pass


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]

    def __init__(self, text):
        with SessionLocal() as db:
            count = db.query(Note).count()
        self.text = f"{text} {count}"


Base.metadata.create_all(engine)


def get_db():
    with SessionLocal() as db:
        yield db
"""

_MAIN = """\
import abc
from operator import itemgetter

import click
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

from db import Note, get_db

app = FastAPI()


class Provider(abc.ABC):
    def __init__(self, db: Session):
        self.db = db

    @property
    def all(self):
        return self.db.query(Note).all()

    @abc.abstractmethod
    def texts(self): ...


class Plain(Provider):
    def texts(self):
        return [note.text for note in self.all]


class Loud(Provider):
    def texts(self):
        return [note.text.upper() for note in self.all]


def provider_for(db: Session, loud: bool) -> Provider:
    if loud:
        return Loud(db)
    return Plain(db)


def renamed(entry, text):
    entry.rename(text)


@app.post("/notes")
def create(text: str, db: Session = Depends(get_db)):
    note = Note("x")
    renamed(itemgetter(0)([note]), text)
    db.add(note)
    db.commit()
    return note.text


@app.get("/notes")
def read(loud: bool = False, db: Session = Depends(get_db)):
    provider = provider_for(db, loud)
    return provider.texts(), db.query(Note).count()


@click.command()
def counted():
    from db import SessionLocal, engine

    with SessionLocal() as db, engine.connect() as connection:
        names = connection.dialect.name
        click.echo(f"{names} {db.query(Note).count()}")
"""

_USE = """
import warnings
warnings.simplefilter("ignore")
from click.testing import CliRunner
from fastapi.testclient import TestClient
from main import app, counted
with TestClient(app) as client:
    for text in ("one", "two"):
        print(client.post("/notes", params={"text": text}).text)
    print(client.get("/notes").text, client.get("/notes", params={"loud": "1"}).text)
print(CliRunner().invoke(counted).output)
"""


def _used(folder: Path) -> str:
    return printed_anew(folder, _USE)


def test_makers_mixins_and_imports_in_functions(tmp_path: Path) -> None:
    (tmp_path / "db.py").write_text(_DB)
    (tmp_path / "main.py").write_text(_MAIN)
    before = _used(tmp_path)
    write(tmp_path, "--all")
    text = (tmp_path / "main.py").read_text()
    assert "async def read" in text
    assert "from db import SyncSessionLocal as SessionLocal, sync_engine as engine" in text
    assert "async def rename" not in (tmp_path / "db.py").read_text()
    assert _used(tmp_path) == before

    done = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == done, "a second run changes nothing"


_PLUGINS = """\
import importlib

from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

from db import Base, Mapped, Note, SessionLocal, engine, get_db, mapped_column

app = FastAPI()


class Plugin(Base):
    __tablename__ = "plugins"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str]

    @property
    def instance(self):
        try:
            return getattr(importlib.import_module(__name__), self.slug)()
        except AttributeError:
            return self


class Counter:
    def count(self, name: str):
        with SessionLocal() as db:
            return name, db.query(Note).count()


Base.metadata.create_all(engine)


@app.get("/count/{slug}")
def count(slug: str, db: Session = Depends(get_db)):
    plugin = db.query(Plugin).filter(Plugin.slug == slug).first() or Plugin(slug=slug)
    return plugin.instance.count(slug)


@app.get("/notes")
def read(db: Session = Depends(get_db)):
    return db.query(Note).count()
"""

_USE_PLUGINS = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    print(client.get("/count/Counter").text, client.get("/notes").text)
"""


def test_a_method_that_the_known_classes_do_not_have_stays(tmp_path: Path) -> None:
    """`plugin.instance` gives itself, as far as one can read; what has `count`, nobody knows."""
    (tmp_path / "db.py").write_text(_DB)
    (tmp_path / "main.py").write_text(_PLUGINS)
    before = printed(tmp_path, _USE_PLUGINS)
    write(tmp_path, "--all")
    text = (tmp_path / "main.py").read_text()
    assert "async def read" in text
    assert "async def count(slug" in text
    assert "    def count(self" in text
    assert printed(tmp_path, _USE_PLUGINS) == before
