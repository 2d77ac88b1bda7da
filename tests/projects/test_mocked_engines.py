"""Tests that give a mock in the place of an engine: what they call stays sync.

The tests of the project are executed before and after.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import command, own_tests, tree, write, written

_DATABASE = """\
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

engine = create_engine("sqlite:///notes.db")


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)


def get_db():
    with Session(engine) as session:
        yield session
"""

_PRESTART = """\
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from database import Base, engine


def init(db_engine: Engine) -> None:
    with Session(db_engine) as session:
        session.execute(select(1))


def ping(connection) -> None:
    connection.execute(select(1))


def main() -> None:
    Base.metadata.create_all(engine)
    init(engine)
    with engine.connect() as connection:
        ping(connection)
    print("ready")


if __name__ == "__main__":
    main()
"""

_MAIN = """\
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

from database import Note, get_db

app = FastAPI()


@app.get("/notes")
def notes(db: Session = Depends(get_db)):
    return db.query(Note).count()
"""

_TESTS = """\
import subprocess
import sys
from unittest.mock import MagicMock, patch

import pytest
from fastapi.testclient import TestClient

from main import app
from prestart import init, ping


@pytest.fixture
def connection():
    return MagicMock()


def test_init():
    engine_mock = MagicMock()
    with patch("sqlalchemy.orm.Session", return_value=MagicMock()):
        init(engine_mock)


def test_ping(connection):
    ping(connection)
    connection.execute.assert_called_once()


def test_script():
    done = subprocess.run([sys.executable, "prestart.py"], capture_output=True, text=True)
    assert done.stdout == "ready\\n", done.stderr


def test_notes():
    assert TestClient(app).get("/notes").json() == 0
"""


@pytest.mark.parametrize("whole", [True, False], ids=["all", "route"])
def test_they_go_on(tmp_path: Path, whole: bool) -> None:
    folder = written(
        tmp_path / "app",
        {
            "database.py": _DATABASE,
            "prestart.py": _PRESTART,
            "main.py": _MAIN,
            "test_app.py": _TESTS,
            "pyproject.toml": "",
        },
    )
    assert own_tests(folder).returncode == 0
    said = write(folder, *(["--all"] if whole else ["--route", "GET /notes"]))
    prestart = (folder / "prestart.py").read_text()
    assert "\ndef init(db_engine: Engine)" in prestart
    assert "async def notes(" in (folder / "main.py").read_text()
    if whole:
        assert "gives it a mock in the place of db_engine" in said
    done = own_tests(folder)
    assert done.returncode == 0, done.stdout
    assert command(folder, "verify").stdout == "Nothing found.\n"
    if whole:
        after = tree(folder)
        write(folder, "--all", "--allow-dirty")
        assert tree(folder) == after, "a second run changes nothing"
