"""Context managers that open a session on the engine of an object, for sync and for async code.

What stays sync, a command or a thread, enters a copy on the sync engine of that object. The code is
executed before, after each route and after all.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.model.selection import EVERYTHING
from support.migration import own_tests, printed, tree
from support.route_by_route import in_random_order, migrate

_MODELS = """\
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
"""
_DATABASE = """\
from contextlib import contextmanager
from typing import Iterator, Optional

from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session


class Database:
    def __init__(self) -> None:
        self._engine: Optional[Engine] = None

    def start(self, url: str) -> None:
        self._engine = create_engine(url)

    def stop(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    @property
    def engine(self) -> Engine:
        if self._engine is None:
            raise RuntimeError("not started")
        return self._engine

    @contextmanager
    def session(self) -> Iterator[Session]:
        with Session(self.engine, expire_on_commit=False) as session:
            try:
                yield session
            except Exception:
                session.rollback()
                raise
            else:
                session.commit()


def started(url: str = "sqlite:///notes.db") -> Database:
    database = Database()
    database.start(url)
    return database
"""
_IN_METHODS = {
    "db.py": _DATABASE,
    "entered": "request.state.database.session()",
    "own": "own.session()",
    "imported": "started",
    "state": "{'database': database}",
    "end": "database.stop()",
    "stopped": "request.state.database.stop()",
    "own_end": "own.stop()",
}
_SINGLE = """\
from contextlib import contextmanager

from sqlalchemy import create_engine
from sqlalchemy.orm import Session


def url() -> str:
    return f"sqlite:///{'notes'}.db"


class Single:
    _shared: dict = {}

    def __init__(self) -> None:
        self.__dict__ = self._shared
        if not self._shared:
            self.engine = create_engine(url())


@contextmanager
def opened(autoflush: bool = True):
    session = Session(Single().engine, autoflush=autoflush)
    try:
        yield session
        session.commit()
    finally:
        session.close()


def started() -> Single:
    return Single()
"""
_OF_A_MODULE = {
    "db.py": _SINGLE,
    "entered": "opened()",
    "own": "opened()",
    "imported": "Single, opened, started",
    "state": "{}",
    "end": "database.engine.dispose()",
    "stopped": "Single().engine.dispose()",
    "own_end": "pass",
}
_MAIN = """\
from contextlib import asynccontextmanager
from typing import Iterator

from fastapi import Depends, FastAPI, Request
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db import {imported}
from models import Base, Note


@asynccontextmanager
async def lifespan(_: FastAPI):
    database = started()
    Base.metadata.create_all(database.engine)
    try:
        yield {state}
    finally:
        {end}


app = FastAPI(lifespan=lifespan)


def get_db(request: Request) -> Iterator[Session]:
    with {entered} as session:
        yield session


def texts(db: Session) -> list[str]:
    return list(db.scalars(select(Note.text).order_by(Note.id)))


@app.get("/notes")
def read(db: Session = Depends(get_db)) -> list[str]:
    return texts(db)


@app.post("/notes/{{text}}")
def add(text: str, db: Session = Depends(get_db)) -> list[str]:
    db.add(Note(text=text))
    db.flush()
    return texts(db)


@app.get("/last")
def last(request: Request) -> str:
    with {entered} as session:
        return session.scalars(select(Note.text).order_by(Note.id.desc())).first()


@app.post("/stop")
def stop(request: Request) -> bool:
    {stopped}
    return True


@app.get("/count")
def count(db: Session = Depends(get_db)) -> int:
    return db.scalar(select(func.count()).select_from(Note))
"""
_COMMANDS = """\
import click
from sqlalchemy import select

from db import {imported}
from models import Note


@click.command()
@click.argument("text")
def note(text: str) -> None:
    own = started()
    engine = own.engine
    with engine.connect() as connection:
        connection.execute(select(Note.text))
    with {own} as session:
        session.add(Note(text=text))
        session.flush()
        click.echo(",".join(session.scalars(select(Note.text).order_by(Note.id))))
    {own_end}


@click.command()
def fail() -> None:
    own = started()
    with {own} as session:
        session.add(Note(text="lost"))
        session.flush()
        raise click.ClickException("no")
    {own_end}
"""
_USE = """
import warnings
warnings.simplefilter("ignore")
from click.testing import CliRunner
from fastapi.testclient import TestClient
from commands import fail, note
from main import app
with TestClient(app) as client:
    print(client.post("/notes/a").text, client.post("/notes/b").text)
    print(CliRunner().invoke(note, ["c"]).output, CliRunner().invoke(fail).exit_code)
    print(client.get("/notes").text, client.get("/count").text, client.get("/last").text)
    print(client.post("/stop").text)
"""
_ANSWERS = """["a"] ["a","b"]\na,b,c\n 1\n["a","b","c"] 3 "c"\ntrue\n"""
_PLACES = {"method": _IN_METHODS, "function": _OF_A_MODULE}


def _written(folder: Path, of: str, place: dict[str, str] | None = None) -> Path:
    parts = _PLACES[of] if place is None else place
    folder.mkdir()
    (folder / "models.py").write_text(_MODELS)
    (folder / "db.py").write_text(parts["db.py"])
    (folder / "main.py").write_text(_MAIN.format(**parts))
    (folder / "commands.py").write_text(_COMMANDS.format(**parts))
    (folder / "pyproject.toml").write_text("")
    return folder


def _used(folder: Path) -> str:
    try:
        return printed(folder, _USE)
    finally:
        (folder / "notes.db").unlink(missing_ok=True)


@pytest.mark.parametrize("of", ["method", "function"])
def test_a_command_enters_a_copy(of: str, tmp_path: Path) -> None:
    once = _written(tmp_path / "once", of)
    assert _used(once) == _ANSWERS
    migrate(once, EVERYTHING)
    assert _used(once) == _ANSWERS
    done = tree(once)
    assert b"async def texts(db: AsyncSession)" in done["main.py"]
    assert b"async def get_db(" in done["main.py"]
    migrate(once, EVERYTHING)
    assert tree(once) == done, "a second run changes nothing"
    steps = _written(tmp_path / "steps", of)
    for route in in_random_order(steps, 1):
        assert _used(steps) == _ANSWERS, route
    assert tree(steps) == done


_SUITE = """\
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from db import Database, started
from main import app
from models import Note
from report import Report


@pytest.fixture
def client(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with TestClient(app) as client:
        yield client


@pytest.fixture
def connected(client):
    database: Database = client.app_state["database"]
    with database.engine.connect() as connection:
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            yield session


@pytest.fixture
def own(tmp_path):
    database = started(f"sqlite:///{tmp_path}/own.db")
    yield database
    database.stop()


def test_report(connected):
    connected.add(Note(text="a"))
    connected.flush()
    assert Report(connected).texts == ["a"]


def test_session(own):
    with own.session() as session:
        assert session.scalar(text("SELECT 1")) == 1
    with Session(own.engine) as session:
        assert session.scalar(text("SELECT 1")) == 1
    with pytest.raises(KeyError), own.session():
        raise KeyError


def test_requests(client):
    assert client.post("/notes/a").json() == ["a"]
    assert client.get("/report").json() == ["a"]
"""
_REPORT = """\
from fastapi import APIRouter, Depends
from sqlalchemy import select
from sqlalchemy.orm import Session

from main import app, get_db
from models import Note


class Report:
    def __init__(self, db: Session) -> None:
        self.db = db

    @property
    def texts(self) -> list[str]:
        return list(self.db.scalars(select(Note.text)))


@app.get("/report")
def report(db: Session = Depends(get_db)) -> list[str]:
    return Report(db).texts
"""


def test_a_suite_that_stays_has_the_sync_engine_of_the_object(tmp_path: Path) -> None:
    """It makes an object whose property runs a query."""
    folder = _written(tmp_path / "app", "method")
    by_name = '\n\ndef texts_of(report):\n    return getattr(report, "texts")\n'
    (folder / "report.py").write_text(_REPORT + by_name)
    (folder / "tests").mkdir()
    suite = folder / "tests" / "test_app.py"
    suite.write_text(_SUITE)
    (folder / "pyproject.toml").write_text('[tool.pytest.ini_options]\npythonpath = ["."]\n')
    done = own_tests(folder)
    assert done.returncode == 0, done.stdout
    migrate(folder, EVERYTHING)
    assert b"async def texts(" in tree(folder)["main.py"]
    text = suite.read_text()
    assert "with blocking_engine(database.engine).connect() as connection:" in text
    assert "with own.own_sync_session() as session:" in text
    done = own_tests(folder)
    assert done.returncode == 0, done.stdout
    once = tree(folder)
    migrate(folder, EVERYTHING)
    assert tree(folder) == once
