"""Tables that a module without an application makes when it is imported.

The code is executed before and after, on a server and imported by a loop that runs.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.databases import fresh_database
from support.migration import printed, tree, write

_DB = """\
import os

from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


URL = os.environ["NOTES_URL"]
engine = create_engine(URL)
SessionLocal = sessionmaker(bind=engine)
{tables}


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
"""

_MAIN = """\
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

from db import Note, get_db

app = FastAPI()


@app.post("/notes")
def create(text: str, db: Session = Depends(get_db)):
    db.add(Note(text=text))
    db.commit()
    return [note.text for note in db.query(Note).all()]
"""

_USE = """
import asyncio, os, warnings
warnings.simplefilter("ignore")
os.environ["NOTES_URL"] = {url!r}
from fastapi.testclient import TestClient

async def load():
    import main

if {in_loop}:
    asyncio.run(load())
from main import app
with TestClient(app) as client:
    for text in ("one", "two"):
        print(client.post("/notes", params={{"text": text}}).text)
"""


@pytest.mark.parametrize("in_loop", [False, True])
@pytest.mark.parametrize(
    "tables",
    [
        "Base.metadata.create_all(bind=engine)",
        "if URL:\n    Base.metadata.create_all(engine)",
        "Base.metadata.create_all(engine)\ndefault = SessionLocal()",
    ],
)
async def test_they_are_made_before_the_first_request(
    tmp_path: Path, tables: str, in_loop: bool
) -> None:
    """Before, asyncpg was left with a connection of another loop, and no loop could import it."""
    (tmp_path / "db.py").write_text(_DB.replace("{tables}", tables))
    (tmp_path / "main.py").write_text(_MAIN)
    async with fresh_database("postgresql", tmp_path) as url:
        before = printed(tmp_path, _USE.format(url=url, in_loop=in_loop))
    assert '["one","two"]' in before
    write(tmp_path, "--all")
    text = (tmp_path / "db.py").read_text()
    assert "asyncio" not in text.replace("sqlalchemy.ext.asyncio", "")
    assert "SessionLocal = async_sessionmaker(bind=engine" in text
    async with fresh_database("postgresql", tmp_path) as url:
        assert printed(tmp_path, _USE.format(url=url, in_loop=in_loop)) == before
    after = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == after, "a second run changes nothing"
