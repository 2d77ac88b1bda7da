"""Functions that make an engine when they are asked: who asks decides which side it is on.

The tests of the project are executed before and after.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import own_tests, tree, write

_KEPT_FOR_ALL = """\
engine = None


def get_engine(url, reuse=True):
    global engine
    if not engine or not reuse:
        engine = create_engine(url)

        def on_connect(connection, record):
            connection.execute("PRAGMA foreign_keys=ON")

        event.listen(engine, "connect", on_connect)
    return engine
"""

_MADE_ANEW = """\
def get_engine(url, reuse=True):
    engine = create_engine(url)
    return engine
"""

_DATABASE = """\
from sqlalchemy import create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


{getter}

def get_session_maker(engine):
    return sessionmaker(autocommit=False, bind=engine)


def get_session(url: str) -> Session:
    return get_session_maker(get_engine(url))()
"""

_MAIN = """\
from contextlib import contextmanager

from fastapi import Depends, FastAPI
from sqlalchemy import text
from sqlalchemy.orm import Session

from database import Base, Note, get_engine, get_session

URL = "sqlite:///notes.db"
app = FastAPI()


def get_db():
    db = get_session(URL)
    try:
        yield db
    finally:
        db.close()


def count_notes(db: Session):
    return db.query(Note).count()


@app.middleware("http")
async def note(request, call_next):
    if request.url.path == "/note":
        with contextmanager(get_db)() as db:
            Base.metadata.create_all(db.get_bind())
            db.add(Note(text="noted"))
            db.commit()
    return await call_next(request)


@app.get("/notes")
def read(db: Session = Depends(get_db)):
    return [note.text for note in db.query(Note).all()]
"""

_RAW = """\


@app.get("/note")
def raw():
    with get_engine(URL).connect() as connection:
        return connection.execute(text("select count(*) from notes")).scalar()
"""

_CONFTEST = """\
import pytest
from fastapi.testclient import TestClient

from database import Base, get_engine, get_session_maker
from main import app, get_db


@pytest.fixture
def engine():
    engine = get_engine("sqlite:///test.db", reuse=False)
    yield engine
    engine.dispose()


@pytest.fixture
def connection(engine):
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    connection = engine.connect()
    yield connection
    connection.close()


@pytest.fixture
def db(connection):
    db = get_session_maker(connection)()
    yield db
    db.close()


@pytest.fixture
def client(db):
    app.dependency_overrides[get_db] = lambda: db
    return TestClient(app)
"""

_TESTS = """\
from database import Note


def test_read(client, db):
    db.add(Note(text="one"))
    db.commit()
    assert client.get("/notes").json() == ["one"]


def test_note(client):
    before = client.get("/note").json()
    after = client.get("/note").json()
    assert after == before if before == {"detail": "Not Found"} else after == before + 1
"""


def _written(folder: Path, getter: str, more: str) -> None:
    files = {
        "database.py": _DATABASE.format(getter=getter),
        "main.py": _MAIN + more,
        "conftest.py": _CONFTEST,
        "test_notes.py": _TESTS,
    }
    for name, text in files.items():
        (folder / name).write_text(text)


def _passes(folder: Path) -> None:
    for file in folder.glob("*.db"):
        file.unlink()
    done = own_tests(folder)
    assert done.returncode == 0, done.stdout[-4000:]


@pytest.mark.parametrize(
    ("getter", "more", "converts"),
    [
        pytest.param(_KEPT_FOR_ALL, "", False, id="one for all, and all stay sync"),
        pytest.param(_KEPT_FOR_ALL, _RAW, False, id="one for all, of which there is no copy"),
        pytest.param(_MADE_ANEW, _RAW, True, id="one for each, of which there is a copy"),
    ],
)
def test_who_stays_sync_gets_a_sync_engine(
    getter: str, more: str, *, converts: bool, tmp_path: Path
) -> None:
    _written(tmp_path, getter, more)
    _passes(tmp_path)

    said = write(tmp_path, "--all")
    assert "MA202" not in said
    database, main = (tmp_path / "database.py").read_text(), (tmp_path / "main.py").read_text()
    assert ("def sync_get_engine(" in database) is converts
    assert ("async def raw(" in main) is converts
    assert "\ndef count_notes(db: Session)" in main or converts
    _passes(tmp_path)

    after = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == after, "a second run changes nothing"
