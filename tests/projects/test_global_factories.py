"""A session factory that a function makes for its module, beside an async one that was there.

The code is executed before, after one route, and after all.
"""

from __future__ import annotations

from pathlib import Path

from support.migration import command, printed, printed_anew, tree, write

_DB = """\
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


engine = None
SessionLocal: sessionmaker | None = None


def init_engine(url):
    global engine, SessionLocal
    if engine is not None:
        return engine
    engine = create_engine(url)
    SessionLocal = sessionmaker(autocommit=False, autoflush=False, bind=engine)
    return engine


def get_session():
    if SessionLocal is None:
        raise RuntimeError
    db = SessionLocal()
    try:
        yield db
        db.commit()
    finally:
        db.close()
"""

_USERS = """\
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

engine = create_async_engine("sqlite+aiosqlite:///notes.db")
async_session_maker = async_sessionmaker(engine)


async def get_user_session():
    async with async_session_maker() as session:
        yield session
"""

_MAIN = """\
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy import text
from sqlalchemy.orm import Session

from db import Base, Note, get_session, init_engine
from users import get_user_session


@asynccontextmanager
async def lifespan(app):
    init_engine("sqlite:///notes.db")
    yield


app = FastAPI(lifespan=lifespan)
DbSession = Annotated[Session, Depends(get_session)]


class Notes:
    def __init__(self, db: DbSession):
        self.db = db

    def all(self):
        return [note.text for note in self.db.query(Note).order_by(Note.id).all()]


@app.post("/notes")
def create(text: str, db: DbSession):
    db.add(Note(text=text))
    return text


@app.get("/notes")
def read(notes: Annotated[Notes, Depends()]):
    return notes.all()


@app.get("/users")
async def users(db=Depends(get_user_session)):
    return (await db.execute(text("SELECT count(*) FROM notes"))).scalar()
"""

_MAKE = """
from db import Base
from sqlalchemy import create_engine
Base.metadata.create_all(create_engine("sqlite:///notes.db"))
"""
_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    for text in ("one", "two"):
        print(client.post("/notes", params={"text": text}).text)
    print(client.get("/notes").text, client.get("/users").text)
"""


def _used(folder: Path) -> str:
    printed_anew(folder, _MAKE)
    return printed(folder, _USE)


def test_what_stays_sync_gets_a_session_for_threads(tmp_path: Path) -> None:
    """Before, nothing told the factory, and the other route raised MissingGreenlet."""
    for name, code in (("db.py", _DB), ("users.py", _USERS), ("main.py", _MAIN)):
        (tmp_path / name).write_text(code)
    before = _used(tmp_path)
    assert '["one","two"] 2' in before
    users = (tmp_path / "users.py").read_text()
    write(tmp_path, "--route", "POST /notes")
    assert "sync_side(db)" in (tmp_path / "db.py").read_text()
    assert _used(tmp_path) == before
    write(tmp_path, "--all", "--allow-dirty")
    assert _used(tmp_path) == before
    assert "SessionLocal: async_sessionmaker | None = None" in (tmp_path / "db.py").read_text()
    assert command(tmp_path, "verify").returncode == 0
    assert (tmp_path / "users.py").read_text() == users
    after = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == after, "a second run changes nothing"
