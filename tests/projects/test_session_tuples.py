"""A session in a named tuple: its annotation goes with who makes one."""

from __future__ import annotations

from pathlib import Path

from migrate_async.model.selection import EVERYTHING
from support.http_sequence import replay
from support.migration import command, written
from support.route_by_route import migrate

_MAIN = """\
import os
from typing import NamedTuple

from fastapi import Depends, FastAPI
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session, sessionmaker

engine = create_engine(os.environ["DATABASE_URL"])
SessionLocal = sessionmaker(bind=engine)
app = FastAPI()


class Context(NamedTuple):
    db: Session
    number: int


def get_db():
    with SessionLocal() as db:
        yield db


@app.get("/")
def read(db: Session = Depends(get_db)):
    context = Context(db, 3)
    return context.db.execute(text("SELECT :n"), {"n": context.number}).scalar()
"""


def test_the_annotation_converts(tmp_path: Path) -> None:
    """Before, it said `Session`, and `verify` that a sync session is awaited."""
    requests = [{"method": "GET", "path": "/"}]
    folder = written(tmp_path / "app", {"main.py": _MAIN})
    before = replay(folder, requests, app="main:app")
    migrate(folder, EVERYTHING)
    assert "    db: AsyncSession\n" in (folder / "main.py").read_text()
    assert replay(folder, requests, app="main:app") == before
    assert command(folder, "verify").returncode == 0
