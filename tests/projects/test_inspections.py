"""`inspect(engine).get_table_names()`: the code is executed before and after."""

from __future__ import annotations

from pathlib import Path

from support.migration import printed, tree, write

_MAIN = """\
import sqlalchemy as sa
from fastapi import FastAPI
from sqlalchemy import create_engine, inspect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

engine = create_engine("sqlite:///notes.db")
other = create_engine("sqlite:///other.db")
SessionLocal = sessionmaker(bind=engine)
app = FastAPI()


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


Base.metadata.create_all(engine)


def wanted():
    with SessionLocal() as db:
        return db.query(Note.text).order_by(Note.id).limit(1).scalar() or "notes"


@app.get("/tables")
async def tables(connection: str = ""):
    # what there is
    names = inspect(engine).get_table_names()  # all
    with engine.connect() as opened:
        first = sa.inspect(opened).get_columns("notes")[0]["name"]
    return [connection, names, first]


@app.get("/has/{name}")
def has(name: str):
    if not inspect(engine).has_table(name, schema=None):
        return "none"
    elif name == "notes":
        for each in inspect(engine).get_columns(name):
            return [each["name"], [x for x in inspect(engine).get_table_names() if x]]
    return inspect(engine).has_table(name)


@app.get("/one")
def one(names: bool = True):
    if names: has_table = inspect(engine).has_table("notes"); print(has_table)
    try:
        return inspect(engine).get_columns("missing")
    except sa.exc.NoSuchTableError:
        return "no such table"


@app.get("/late/{name}")
def late(name: str):
    if name == "notes" and inspect(engine).has_table(name):
        return "both"
    inspector = inspect(engine)
    return inspector.get_table_names()


@app.get("/twice")
def twice():
    return inspect(engine).get_table_names() + [inspect(engine).has_table("x")]


@app.get("/both")
def both():
    return inspect(engine).get_table_names() + inspect(other).get_table_names()


@app.get("/asked")
def asked():
    return inspect(engine).has_table(wanted())
"""

_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    for path in "tables?connection=c has/notes has/x one late/notes asked twice both".split():
        print(client.get(path).text)
"""


def test_questions_are_asked_on_the_sync_side_of_a_connection(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(_MAIN)
    before = printed(tmp_path, _USE)
    said = write(tmp_path, "--all")
    text = (tmp_path / "main.py").read_text()
    for name in ("tables", "has", "one", "twice"):
        assert f"async def {name}(" in text
    assert printed(tmp_path, _USE) == before

    for name in ("late", "asked", "both"):
        assert f"main.{name} stays sync: it inspects a database" in said
        assert f"\ndef {name}(" in text
    after = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == after, "a second run changes nothing"


def test_a_sync_side_is_left_alone(tmp_path: Path) -> None:
    code = """\
from sqlalchemy import inspect
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine("sqlite+aiosqlite:///notes.db")


async def tables():
    async with engine.connect() as connection:
        return await connection.run_sync(lambda sync: inspect(sync).get_table_names())


async def dialect():
    return inspect(engine.sync_engine).dialect.name
"""
    (tmp_path / "main.py").write_text(code)
    write(tmp_path, "--all")
    assert (tmp_path / "main.py").read_text() == code
