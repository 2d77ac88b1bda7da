"""Coroutines that an async decorator awaits: some could be `def` and others not.

The code is executed before and after.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import printed_anew, tree, write

_MAIN = """\
import asyncio
from functools import wraps

from fastapi import Depends, FastAPI
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, object_session
from sqlalchemy.orm import sessionmaker

engine = create_engine("sqlite:///users.db")
SessionLocal = sessionmaker(bind=engine)
app = FastAPI()


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]

    @property
    def rank(self):
        return object_session(self).query(User).filter(User.id < self.id).count()


Base.metadata.create_all(engine)


def get_db():
    with SessionLocal() as db:
        yield db


def allowed(role):
    def decorator(function):
        @wraps(function)
        async def wrapper(*args, **kwargs):
            return {role: await function(*args, **kwargs)}

        return wrapper

    return decorator


@app.get("/rank")
@allowed("reader")
async def rank(db: Session = Depends(get_db)):
    return db.get(User, 2).rank


@app.get("/other")
@allowed("writer")
async def other(db: Session = Depends(get_db)):
    WAIT
    return db.get(User, 1).rank


@app.post("/add")
def add(name: str, db: Session = Depends(get_db)):
    db.add(User(name=name))
    db.commit()


@app.get("/count")
def count(db: Session = Depends(get_db)):
    return db.query(User).count()
"""

_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app, raise_server_exceptions=False) as client:
    for name in ("one", "two"):
        client.post("/add", params={"name": name})
    for path in ("/rank", "/other", "/count"):
        print(client.get(path).json())
"""


@pytest.mark.parametrize(
    ("code", "becomes_def"), [("await asyncio.sleep(0)", False), ("", True)], ids=["await", "none"]
)
def test_they_are_coroutines_together(tmp_path: Path, code: str, *, becomes_def: bool) -> None:
    (tmp_path / "main.py").write_text(_MAIN.replace("    WAIT\n", f"    {code}\n" if code else ""))
    before = printed_anew(tmp_path, _USE)
    assert before.split("\n")[:2] == ["{'reader': 1}", "{'writer': 0}"]
    (tmp_path / "users.db").unlink()
    write(tmp_path, "--all")
    after = (tmp_path / "main.py").read_text()
    assert ("\ndef rank(" in after) is becomes_def
    assert printed_anew(tmp_path, _USE) == before
    (tmp_path / "users.db").unlink()
    files = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == files, "a second run changes nothing"
