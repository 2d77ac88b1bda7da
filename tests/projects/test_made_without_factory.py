"""A script that makes a session of its own, for an object whose methods stay sync.

The code is executed before and after.
"""

from __future__ import annotations

from pathlib import Path

from support.migration import printed_anew, tree, write

_DB = """\
from fastapi import Depends, FastAPI
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
app = FastAPI()


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


@app.get("/notes")
def read(db: Session = Depends(get_db)):
    return [note.text for note in db.query(Note).all()]


class Importer:
    def __init__(self, db: Session):
        self.db = db

    def load(self):
        list(map(self.add, ["one", "two"]))
        self.db.commit()

    def add(self, text):
        self.db.add(Note(text=text))
        self.db.flush()
"""

_SCRIPT = """\
from sqlalchemy.orm import Session

from db import Importer, engine


def main() -> None:
    session = Session(bind=engine)
    importer = Importer(db=session)
    importer.load()


if __name__ == "__main__":
    main()
"""

_USE = """
import inspect, warnings
warnings.simplefilter("ignore")
import asyncio, script
from fastapi.testclient import TestClient
from db import app
with TestClient(app) as client:
    found = script.main()
    if inspect.isawaitable(found):
        asyncio.run(found)
    print(client.get("/notes").text)
"""


def _used(folder: Path) -> str:
    return printed_anew(folder, _USE)


def test_it_stays_sync_with_the_object(tmp_path: Path) -> None:
    """Before, the methods ran in a thread on an async session, and raised MissingGreenlet."""
    (tmp_path / "db.py").write_text(_DB)
    (tmp_path / "script.py").write_text(_SCRIPT)
    before = _used(tmp_path)
    assert '["one","two"]' in before
    write(tmp_path, "--all")
    assert "async def read(" in (tmp_path / "db.py").read_text()
    assert _used(tmp_path) == before
    after = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == after, "a second run changes nothing"
