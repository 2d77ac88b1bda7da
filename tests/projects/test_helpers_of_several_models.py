"""A helper that takes objects of several models reads what only some of them have.

The code is executed before and after.
"""

from __future__ import annotations

from pathlib import Path

from support.migration import printed_anew, tree, write

_MAIN = """\
from typing import Union

from fastapi import Depends, FastAPI
from sqlalchemy import Column, ForeignKey, Integer, create_engine
from sqlalchemy.orm import Session, declarative_base, relationship, sessionmaker

engine = create_engine("sqlite:///notes.db")
SessionLocal = sessionmaker(bind=engine)
Base = declarative_base()


class User(Base):
    __tablename__ = "users"

    id = Column(Integer, primary_key=True)


class Note(Base):
    __tablename__ = "notes"

    id = Column(Integer, primary_key=True)
    owner_id = Column(ForeignKey("users.id"))
    owner = relationship(User)


class Page(Base):
    __tablename__ = "pages"

    id = Column(Integer, primary_key=True)
    note_id = Column(ForeignKey("notes.id"))
    note = relationship(Note)


Base.metadata.create_all(engine)


def may_read(entity: Union[Note, Page]) -> bool:
    if isinstance(entity, Page):
        return entity.note.owner.id == 1
    return entity.owner.id == 1


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


app = FastAPI()


@app.post("/notes")
def add(db: Session = Depends(get_db)):
    db.add(Page(note=Note(owner=User())))
    db.commit()
    return 1


@app.get("/notes/{key}")
def note(key: int, db: Session = Depends(get_db)):
    found = db.query(Note).filter(Note.id == key).one()
    db.add(User())
    db.flush()
    return may_read(found)


@app.get("/notes")
def notes(db: Session = Depends(get_db)):
    found = db.query(Note).all()
    db.add(User())
    db.flush()
    return [may_read(one) for one in found]


@app.get("/pages/{key}")
def page(key: int, db: Session = Depends(get_db)):
    found = db.query(Page).filter(Page.id == key).one()
    db.add(User())
    db.flush()
    return may_read(found)
"""

_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    client.post("/notes")
    print(client.get("/notes/1").text, client.get("/pages/1").text, client.get("/notes").text)
"""


def test_only_what_an_object_has_is_awaited_for_it(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(_MAIN)
    before = printed_anew(tmp_path, _USE)
    assert before.strip() == "true true [true]"
    write(tmp_path, "--all")
    assert "async def note(" in (tmp_path / "main.py").read_text()
    assert printed_anew(tmp_path, _USE) == before
    after = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == after, "a second run changes nothing"
