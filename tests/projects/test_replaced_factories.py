"""Tests that put a sync session factory in the place of the application's own.

They pass before, after each route and after all of them, as they are: a plugin adapts the sessions.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.model.selection import EVERYTHING, Selection
from support.migration import command, own_tests, tree, written
from support.route_by_route import migrate, routes_of

_DATABASE = """\
from sqlalchemy import Column, Integer, String, create_engine
from sqlalchemy.orm import declarative_base, sessionmaker

engine = create_engine("sqlite:////nowhere/at/all.db")
SessionLocal = sessionmaker(bind=engine)
Base = declarative_base()


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(String)


def get_db():
    with SessionLocal() as db:
        yield db
"""
_MAIN = """\
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

from app import database
from app.database import User, get_db

app = FastAPI()


def count():
    with database.SessionLocal() as db:
        return db.query(User).count()


def note(name: str):
    with database.SessionLocal.begin() as db:
        db.add(User(name=name))


class Report:
    @property
    def text(self):
        db = database.SessionLocal()
        try:
            return f"{db.query(User).count()} users"
        finally:
            db.close()


@app.get("/users")
def users(db: Session = Depends(get_db)):
    return [user.name for user in db.query(User)]


@app.get("/count")
def counted():
    return count()


@app.post("/users/{name}")
def add(name: str):
    note(name)
    return count()


@app.get("/report")
def report():
    return Report().text
"""
_TESTS = """\
import pytest
from app import database
from app.database import Base, User
from app.main import app
from fastapi.testclient import TestClient
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import StaticPool

engine = create_engine(
    "sqlite://", connect_args={"check_same_thread": False}, poolclass=StaticPool
)
TestingSession = sessionmaker(bind=engine)


@pytest.fixture
def tables():
    Base.metadata.create_all(engine)
    yield
    Base.metadata.drop_all(engine)


@pytest.fixture
def client(monkeypatch, tables):
    REPLACE
    return TestClient(app)


def test_requests(client):
    assert client.get("/users").json() == []
    assert client.post("/users/ada").json() == 1
    assert client.get("/count").json() == 1
    assert client.get("/report").json() == "1 users"
    assert client.get("/users").json() == ["ada"]
    with TestingSession() as db:
        assert db.query(User).one().name == "ada"
"""
_REPLACED = {
    "a factory": 'monkeypatch.setattr(database, "SessionLocal", TestingSession)',
    "by its path": 'monkeypatch.setattr("app.database.SessionLocal", TestingSession)',
}


def _lay_out(folder: Path, line: str) -> Path:
    files = {
        "app/__init__.py": "",
        "app/database.py": _DATABASE,
        "app/main.py": _MAIN,
        "tests/test_app.py": _TESTS.replace("REPLACE", line),
        "pyproject.toml": '[tool.pytest.ini_options]\npythonpath = ["."]\n',
    }
    folder.mkdir()
    return written(folder, files)


@pytest.mark.parametrize("name", _REPLACED)
def test_a_suite_passes_in_each_state(name: str, tmp_path: Path) -> None:
    folder = _lay_out(tmp_path / "app", _REPLACED[name])
    tests = (folder / "tests/test_app.py").read_text()
    for route in (None, *routes_of(folder)):
        if route is not None:
            migrate(folder, Selection(routes=(route,)))
        run = own_tests(folder)
        assert run.returncode == 0, run.stdout[-4000:]
    migrate(folder, EVERYTHING)
    run = own_tests(folder)
    assert run.returncode == 0, run.stdout[-4000:]
    assert (folder / "tests/test_app.py").read_text() == tests
    assert "MA431" not in command(folder, "plan").stdout
    at_once = _lay_out(tmp_path / "once", _REPLACED[name])
    assert "MA431" not in command(at_once, "migrate", "--all").stdout
    migrate(at_once, EVERYTHING)
    assert tree(at_once) == tree(folder)
