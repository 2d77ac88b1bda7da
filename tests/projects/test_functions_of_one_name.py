"""Functions of one name in one function, handed to a thread: executed before and after."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import printed_anew, tree, write

_MAIN = """\
import asyncio
import threading

from fastapi import Depends, FastAPI
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

engine = create_engine("sqlite:///users.db")
SessionLocal = sessionmaker(bind=engine)
app = FastAPI()


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)


Base.metadata.create_all(engine)


def get_db():
    with SessionLocal() as db:
        yield db


def count(db: Session):
    return db.query(User).count()


@app.get("/")
async def read(fail: bool, db: Session = Depends(get_db)):
BODY


@app.get("/count")
def users(db: Session = Depends(get_db)):
    return count(db)
"""

_EACH_ITS_OWN = """\
    try:
        def load():
            if fail:
                raise OSError("remote")
            return threading.current_thread() is threading.main_thread()

        return await asyncio.to_thread(load)
    except OSError:
        def load():
            return count(db)

        return await asyncio.to_thread(load)
"""
_ONE_OF_TWO = """\
    if fail:
        def load():
            return count(db)
    else:
        def load():
            return False
    return await asyncio.to_thread(load)
"""
_IN_A_LOOP = """\
    def load():
        return False

    for number in range(2):
        found = await asyncio.to_thread(load)
        if fail:
            def load():
                return count(db)
    return found
"""

_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    for path in ("/?fail=0", "/?fail=1", "/count"):
        print(client.get(path).json())
"""


@pytest.mark.parametrize(
    "body", [_EACH_ITS_OWN, _ONE_OF_TWO, _IN_A_LOOP], ids=["own", "or", "loop"]
)
def test_what_runs_is_awaited_or_stays_in_its_thread(tmp_path: Path, body: str) -> None:
    (tmp_path / "main.py").write_text(_MAIN.replace("BODY\n", body))
    before = printed_anew(tmp_path, _USE)
    assert before.split("\n")[:3] == ["False", "0", "0"]
    write(tmp_path, "--all")
    assert "async def users(" in (tmp_path / "main.py").read_text()
    assert printed_anew(tmp_path, _USE) == before
    after = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == after, "a second run changes nothing"


def test_only_what_needs_the_session_leaves_the_thread(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(_MAIN.replace("BODY\n", _EACH_ITS_OWN))
    write(tmp_path, "--all")
    code = (tmp_path / "main.py").read_text()
    assert code.count("return await asyncio.to_thread(load)") == 1
    assert code.count("async def load():\n            return await count(db)") == 1
