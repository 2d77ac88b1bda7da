"""Engines and factories that functions make: their async side, and a sync one beside it.

The code is executed before, while something stays sync, and after.
"""

from __future__ import annotations

from pathlib import Path

from support.migration import printed, printed_anew, tree, write

_DB = """\
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


def pooled(url: str):
    # as always
    return create_engine(url, pool_pre_ping=True)


def connect(url: str):
    engine = create_engine(url, pool_pre_ping=True)
    factory = sessionmaker(autoflush=False, bind=engine)
    return factory, engine


SessionLocal, engine = connect("sqlite:///notes.db")
other = pooled("sqlite:///other.db")
OtherSession = sessionmaker(bind=other)


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
"""

_START = """\
class Start:
    def __init__(self):
        with SessionLocal() as db:
            self.count = db.query(Note).count()
        with OtherSession() as db:
            self.others = db.query(Note).count()
        with pooled("sqlite:///notes.db").connect() as connection:
            self.tables = connection.exec_driver_sql("select count(*) from notes").scalar()
"""

_MAIN = """\
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

from db import Note, OtherSession, SessionLocal, get_db, pooled

app = FastAPI()


%s

@app.post("/notes")
def create(text: str, db: Session = Depends(get_db)):
    start = Start()
    note = Note(text=f"{text} {start.count} {start.others} {start.tables}")
    db.add(note)
    db.commit()
    with OtherSession() as other:
        other.add(Note(text=text))
        other.commit()
    return note.id


@app.get("/notes")
def read(db: Session = Depends(get_db)):
    return [note.text for note in db.query(Note).all()]


@app.get("/others")
def others():
    with OtherSession() as db:
        return [note.text for note in db.query(Note).all()]
"""

_LATER = """\
class Start:
    count = others = tables = 0
"""

_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    for text in ("one", "two"):
        print(client.post("/notes", params={"text": text}).text)
    print(client.get("/notes").text, client.get("/others").text)
"""


_MAKE = """
from sqlalchemy import create_engine
from db import Base
for name in ("notes", "other"):
    Base.metadata.create_all(create_engine(f"sqlite:///{name}.db"))
"""
"""At import it would keep a sync engine."""


def _used(folder: Path) -> str:
    printed_anew(folder, _MAKE)
    return printed(folder, _USE)


def _written(folder: Path, start: str) -> Path:
    folder.mkdir()
    (folder / "db.py").write_text(_DB)
    (folder / "main.py").write_text(_MAIN % start)
    return folder


def test_both_sides_are_made_until_nothing_stays_sync(tmp_path: Path) -> None:
    folder = _written(tmp_path / "steps", _START)
    before = _used(folder)
    said = write(folder, "--all")
    assert "MA202" not in said
    assert "MA205" not in said
    text = (folder / "db.py").read_text()
    assert "SyncSessionLocal, sync_engine = sync_connect(" in text
    assert "async_engine_from_url(url, pool_pre_ping=True)" in text
    assert text.count("# as always") == 2
    assert _used(folder) == before
    done = tree(folder)
    write(folder, "--all", "--allow-dirty")
    assert tree(folder) == done, "a second run changes nothing"

    converted = (folder / "main.py").read_text()
    head, rest = converted.split("class Start:", 1)
    _, tail = rest.split("@app.post", 1)
    (folder / "main.py").write_text(f"{head}{_LATER}\n\n@app.post{tail}")
    write(folder, "--all", "--allow-dirty")
    text = (folder / "db.py").read_text()
    assert " sync_" not in text
    assert "SyncSessionLocal" not in text
    once = _written(tmp_path / "once", _LATER)
    before = _used(once)
    write(once, "--all")
    assert _used(once) == before
    assert (once / "db.py").read_text() == (folder / "db.py").read_text()


def test_a_session_of_another_factory_is_not_taken_from_the_request(tmp_path: Path) -> None:
    """Nor is a second one, which has a transaction of its own."""
    folder = _written(tmp_path / "app", _LATER)
    write(folder, "--all")
    text = (folder / "main.py").read_text()
    assert text.count("async with OtherSession() as") == 2
