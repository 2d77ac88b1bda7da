"""Columns without a time zone that get times with one: asyncpg refuses what psycopg2 took."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.config import Settings
from migrate_async.model.plan import Step
from migrate_async.plan.planner import make_plan
from support.databases import fresh_database
from support.migration import printed, tree, write
from support.projects import project

_SOURCE = """\
from datetime import datetime, timezone

from fastapi import Depends, FastAPI
from sqlalchemy import Column, DateTime, Integer, create_engine
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

engine = create_engine("{url}")
SessionLocal = sessionmaker(bind=engine)
app = FastAPI()


def now():
    return datetime.now(timezone.utc)


class Base(DeclarativeBase):
    pass


class Stamped:
    made = {column}


class Note(Stamped, Base):
    __tablename__ = "notes"
    id = Column(Integer, primary_key=True)


def get_db():
    with SessionLocal() as db:
        yield db


@app.on_event("startup")
def fill():
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)


@app.post("/notes")
def create(db: Session = Depends(get_db)):
    note = Note()
    db.add(note)
    db.commit()
    db.refresh(note)
    return abs((note.made - datetime.now(timezone.utc).replace(tzinfo=None)).days) < 2
"""
_AWARE = "Column(DateTime, default=lambda: datetime.now(timezone.utc))"
_POSTGRESQL = "postgresql://localhost/notes"


@pytest.mark.parametrize(
    ("column", "url", "is_told"),
    [
        (_AWARE, _POSTGRESQL, True),
        ("Column(DateTime(), default=None, onupdate=now)", _POSTGRESQL, True),
        (_AWARE, "sqlite:///notes.db", False),
        (_AWARE, "postgresql+psycopg://localhost/notes", False),
        (_AWARE.replace("DateTime", "DateTime(timezone=True)"), _POSTGRESQL, False),
        ("Column(DateTime, default=lambda: datetime.now())", _POSTGRESQL, False),
        ("Column(DateTime, default=datetime.utcnow)", _POSTGRESQL, False),
        ("Column(Integer, default=lambda: datetime.now(timezone.utc).year)", _POSTGRESQL, False),
    ],
)
def test_the_engine_is_one_of_the_runtime_where_asyncpg_would_refuse(
    column: str, url: str, is_told: bool
) -> None:
    files = {"main.py": _SOURCE.format(column=column, url=url)}
    found = make_plan(project(files), Step.ALL, Settings())
    assert ("MA415" in [item.code for item in found.diagnostics]) == is_told


_GIVEN = {
    "note.made = datetime.now(timezone.utc)": True,
    "now = datetime.now(tz=timezone.utc)\n    note.made = now": True,
    "note = Note(made=datetime.now(timezone.utc))": True,
    "db.query(Note).filter(Note.made < datetime.now(timezone.utc)).all()": True,
    "note.made = datetime.now()": False,
    "note.seen = datetime.now(timezone.utc)": False,
    "expires = datetime.now(timezone.utc)": False,
}


@pytest.mark.parametrize(("line", "is_told"), _GIVEN.items(), ids=_GIVEN)
def test_what_functions_give_counts(line: str, is_told: bool) -> None:
    columns = "Column(DateTime)\n    seen = Column(DateTime(timezone=True))"
    source = _SOURCE.format(column=columns, url=_POSTGRESQL)
    source = source.replace("    db.add(note)", f"    {line}\n    db.add(note)")
    found = make_plan(project({"main.py": source}), Step.ALL, Settings())
    assert ("MA415" in [item.code for item in found.diagnostics]) == is_told


async def test_the_times_are_stored(tmp_path: Path) -> None:
    use = """
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    print(client.post("/notes").text)
"""
    async with fresh_database("postgresql", tmp_path) as url:
        (tmp_path / "main.py").write_text(_SOURCE.format(column=_AWARE, url=url))
        assert "true" in printed(tmp_path, use)
        write(tmp_path, "--all")
        text = (tmp_path / "main.py").read_text()
        assert "= async_engine_from_url(" in text
        assert f'"{url}"' in text
        assert "async def create" in text
        assert "true" in printed(tmp_path, use)
        after = tree(tmp_path)
        write(tmp_path, "--all", "--allow-dirty")
        assert tree(tmp_path) == after, "a second run changes nothing"
