"""Methods of a session that are kept as values: `query = db.query`, `submit(db.execute)`.

Executed before the migration and after all of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from migrate_async.model.selection import EVERYTHING
from support.http_sequence import replay
from support.migration import command, tree, written
from support.route_by_route import migrate

MAIN = """\
import asyncio
import os

from fastapi import Depends, FastAPI
from sqlalchemy import Column, Integer, String, create_engine, func, select
from sqlalchemy.orm import Session, declarative_base, sessionmaker

engine = create_engine(os.environ["DATABASE_URL"], connect_args={"check_same_thread": False})
SessionLocal = sessionmaker(engine)
Base = declarative_base()
app = FastAPI()


class Note(Base):
    __tablename__ = "notes"
    id = Column(Integer, primary_key=True)
    text = Column(String)


@app.on_event("startup")
def start():
    Base.metadata.create_all(bind=engine)


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


def summary(db: Session):
    q = db.query

    def longer(length):
        return q(Note).filter(func.length(Note.text) > length).count()

    return {"all": q(Note).count(), "longer": longer(3)}


def texts(db: Session):
    run = db.scalars
    return run(select(Note.text).order_by(Note.id)).all()


def deleted(db: Session, number: int):
    found = db.query(Note).filter(Note.id > number).all()
    for _ in map(db.delete, found):
        pass
    db.commit()
    return len(found)


def added(db: Session, found: list[str]):
    save = db.add
    for text in found:
        save(Note(text=text))
    db.commit()
    return len(found)


@app.post("/notes")
def add(found: list[str], db: Session = Depends(get_db)):
    return added(db, found)


@app.get("/summary")
def get_summary(db: Session = Depends(get_db)):
    return summary(db)


@app.get("/texts")
def get_texts(db: Session = Depends(get_db)):
    return texts(db)


@app.get("/first")
async def get_first(db: Session = Depends(get_db)):
    return await asyncio.to_thread(db.scalar, select(func.min(Note.text)))


@app.delete("/notes/{number}")
def delete(number: int, db: Session = Depends(get_db)):
    return deleted(db, number)
"""
REQUESTS = [
    {"method": "POST", "path": "/notes", "json": ["a", "bb", "cccc"]},
    *({"method": "GET", "path": path} for path in ("/summary", "/texts", "/first")),
    {"method": "DELETE", "path": "/notes/1"},
    {"method": "GET", "path": "/summary"},
]


def test_who_calls_them_does_not_await(tmp_path: Path) -> None:
    folder = written(tmp_path, {"main.py": MAIN})
    expected = _answers(folder, "sqlite")
    assert [answer["json"] for answer in expected] == [
        *(3, {"all": 3, "longer": 1}, ["a", "bb", "cccc"], "a", 2, {"all": 1, "longer": 0})
    ]
    migrate(folder, EVERYTHING)
    assert _answers(folder, "sqlite+aiosqlite") == expected
    code = tree(folder)["main.py"].decode()
    assert "async def added(" in code, "nothing awaits `db.add`"
    assert "async def get_summary(" in code
    assert command(folder, "verify").returncode == 0


def _answers(folder: Path, driver: str) -> list[dict[str, Any]]:
    return replay(folder, REQUESTS, app="main:app", driver=driver)
