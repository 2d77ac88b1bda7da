"""A session that a module makes when it is imported, for its functions.

Those stay sync: it is one session for the process. The code is executed before and after.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import printed_anew, tree, write

_DB = """\
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


engine = create_engine("sqlite:///notes.db")
SessionLocal = sessionmaker(bind=engine)
Base.metadata.create_all(engine)


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
"""

_SEED = """\
from db import *

db = {made}


def seed():
    db.add(Note(text="seeded"))
    db.commit()
"""

_MAIN = """\
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

import seeds
from db import Note, get_db

app = FastAPI()


@app.get("/notes")
def read(db: Session = Depends(get_db)):
    return [note.text for note in db.query(Note).order_by(Note.id).all()]
"""

_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app, seeds
seeds.seed()
with TestClient(app) as client:
    print(client.get("/notes").text)
"""


def _used(folder: Path) -> str:
    return printed_anew(folder, _USE)


@pytest.mark.parametrize(
    ("made", "imported"),
    [
        ("SessionLocal()", "SessionLocal"),
        ("next(get_db())", "get_db"),
        ("Session(engine)", "engine"),
    ],
)
def test_it_stays_sync(tmp_path: Path, made: str, imported: str) -> None:
    """Before, the functions went on without an await on what had become an async session."""
    (tmp_path / "db.py").write_text(_DB)
    (tmp_path / "main.py").write_text(_MAIN)
    seed = _SEED.replace("{made}", made)
    names = "from sqlalchemy.orm import Session\n\nfrom db import Note, " + imported
    (tmp_path / "seeds.py").write_text(seed.replace("from db import *", names))
    before = _used(tmp_path)
    assert "seeded" in before
    write(tmp_path, "--all")
    assert "async def read(" in (tmp_path / "main.py").read_text()
    assert "async" not in (tmp_path / "seeds.py").read_text()
    assert _used(tmp_path) == before
    after = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == after, "a second run changes nothing"
