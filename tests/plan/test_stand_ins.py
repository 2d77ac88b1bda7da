"""What tests put in the place of a function that becomes a coroutine."""

from __future__ import annotations

import pytest

from migrate_async.config import Settings
from migrate_async.model.plan import Plan, Step
from migrate_async.model.selection import EVERYTHING, Selection
from migrate_async.plan.planner import make_plan
from migrate_async.rewrite.engine import rewrite_text
from support.projects import project

APPLICATION = {
    "app/crud.py": """\
from sqlalchemy import text
from sqlalchemy.orm import Session


def get(db: Session):
    return db.scalar(text("SELECT 1"))


def plain(number):
    return number


class Repo:
    def __init__(self, db: Session):
        self.db = db

    def count(self):
        return self.db.scalar(text("SELECT 2"))
""",
    "app/main.py": """\
from fastapi import Depends, FastAPI
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

from app import crud

SessionLocal = sessionmaker(bind=create_engine("sqlite://"))
app = FastAPI()


def get_db():
    with SessionLocal() as db:
        yield db


@app.get("/one")
def one(db: Session = Depends(get_db)):
    return crud.get(db)


@app.get("/two")
def two(db: Session = Depends(get_db)):
    return crud.plain(crud.Repo(db).count())
""",
}
HEAD = "from unittest.mock import AsyncMock, Mock, patch\nfrom app import crud\n\n"
PATH = "tests/test_app.py"


def plan(test: str, selection: Selection = EVERYTHING) -> Plan:
    files = {**APPLICATION, PATH: HEAD + test}
    return make_plan(project(files), Step.ALL, Settings(), selection)


def converted(test: str, selection: Selection = EVERYTHING) -> str:
    for file in plan(test, selection).files:
        if file.path == PATH:
            return rewrite_text(file, HEAD + test).removeprefix(HEAD)
    return test


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            'monkeypatch.setattr(crud, "get", lambda db: 3)',
            'monkeypatch.setattr(crud, "get", AsyncMock(side_effect=lambda db: 3))',
        ),
        (
            'monkeypatch.setattr("app.crud.get", lambda db: 3)',
            'monkeypatch.setattr("app.crud.get", AsyncMock(side_effect=lambda db: 3))',
        ),
        (
            'monkeypatch.setattr("app.main.crud.get", Mock())',
            'monkeypatch.setattr("app.main.crud.get", AsyncMock(side_effect=Mock()))',
        ),
        (
            'patch.object(crud, "get", new=Mock()).start()',
            'patch.object(crud, "get", new=AsyncMock(side_effect=Mock())).start()',
        ),
        (
            'monkeypatch.setattr(crud.Repo, "count", Mock())',
            'monkeypatch.setattr(crud.Repo, "count", AsyncMock(side_effect=Mock()))',
        ),
    ],
)
def test_a_stand_in_can_be_awaited(before: str, after: str) -> None:
    test = "def test_it(monkeypatch):\n    {}\n"
    assert converted(test.format(before)) == test.format(after)


@pytest.mark.parametrize(
    "line",
    [
        'monkeypatch.setattr(crud, "plain", lambda number: 3)',
        'monkeypatch.setattr(crud, "get", AsyncMock(return_value=3))',
        'patch("app.crud.get", return_value=3).start()',
        'monkeypatch.setattr(crud, "missing", lambda db: 3)',
        'monkeypatch.setattr(crud.Repo, "missing", 3, raising=False)',
        'monkeypatch.setattr("elsewhere.get", lambda db: 3)',
    ],
)
def test_what_is_not_awaited_or_fits_already_is_left(line: str) -> None:
    test = f"def test_it(monkeypatch):\n    {line}\n"
    assert converted(test) == test
    assert not [found for found in plan(test).diagnostics if found.code == "MA430"]


@pytest.mark.parametrize(
    "line",
    [
        'monkeypatch.setattr(crud, "get", fake)',
        'monkeypatch.setattr(crud.Repo, "count", lambda self: 3)',
    ],
)
def test_what_nobody_can_tell_is_reported(line: str) -> None:
    test = f"def test_it(monkeypatch, fake):\n    {line}\n"
    assert converted(test) == test
    (found,) = [item for item in plan(test).diagnostics if item.code == "MA430"]
    assert (found.path, found.line) == (PATH, 5)


SCOPES = """\
from contextlib import contextmanager

from fastapi import FastAPI
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker(bind=create_engine("sqlite://"))
app = FastAPI()


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


@contextmanager
def scope():
    with SessionLocal() as db:
        yield db


@app.get("/three")
def three():
    for db in get_db():
        return db.scalar(text("SELECT 3"))


@app.get("/four")
def four():
    with scope() as db:
        return db.scalar(text("SELECT 4"))
"""


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('monkeypatch.setattr(scopes, "get_db", fake)', "get_db is an async generator now"),
        ('monkeypatch.setattr(scopes, "get_db", lambda: iter([1]))', "`lambda: iter([1])`"),
        ('monkeypatch.setattr(scopes, "scope", fake)', "unless that has `__aenter__`, it raises"),
        ('patch("app.scopes.scope").start()', "what its `__aenter__` says"),
    ],
)
def test_what_takes_the_place_of_generators_is_told_exactly(line: str, said: str) -> None:
    test = f"""\
from unittest.mock import patch

from app import scopes


def fake():
    yield None


def test_it(monkeypatch):
    {line}
"""
    files = {"app/scopes.py": SCOPES, PATH: test}
    found = make_plan(project(files), Step.ALL, Settings())
    (item,) = [item for item in found.diagnostics if item.code == "MA430"]
    assert said in item.message
    assert not [file for file in found.files if file.path == PATH and file.edits]


def test_a_stand_in_waits_for_the_run_that_converts_its_function() -> None:
    test = 'def test_it(monkeypatch):\n    monkeypatch.setattr(crud, "get", lambda db: 3)\n'
    assert converted(test, Selection(routes=("GET /two",))) == test
    assert converted(test, Selection(routes=("GET /one",))) != test


@pytest.mark.parametrize(
    "test",
    [
        "def test_it():\n    assert crud.get(Mock()) == 1\n",
        "def test_it():\n    db = MagicMock()\n    assert crud.Repo(db).count() == 1\n",
        (
            "@pytest.fixture\ndef db():\n    return MagicMock()\n\n\n"
            "def test_it(db):\n    assert crud.get(db) == 1\n"
        ),
    ],
)
def test_a_mock_in_place_of_a_session_is_reported(test: str) -> None:
    test = "import pytest\nfrom unittest.mock import MagicMock\n" + test
    assert "MA431" in {item.code for item in plan(test).diagnostics}


def test_a_session_in_place_of_a_session_is_not() -> None:
    test = (
        "from app.main import SessionLocal\n\n\n"
        "def test_it():\n    with SessionLocal() as db:\n        assert crud.get(db) == 1\n"
    )
    assert "MA431" not in {item.code for item in plan(test).diagnostics}


@pytest.mark.parametrize(
    "test",
    [
        '@patch("app.main.SessionLocal")\ndef test_a(made):\n    pass\n',
        'def test_a():\n    with patch("app.main.SessionLocal", Mock()):\n        pass\n',
        'def test_a(mocker):\n    mocker.patch("app.main.SessionLocal")\n',
        'def test_a(monkeypatch):\n    monkeypatch.setattr("app.main.SessionLocal", Mock())\n',
        """\
from app import main
from sqlalchemy.orm import sessionmaker

def test_a():
    with patch.object(main, "SessionLocal", sessionmaker()):
        pass
""",
    ],
)
def test_what_takes_the_place_of_a_session_factory_is_reported(test: str) -> None:
    [found] = [item for item in plan(test).diagnostics if item.code == "MA431"]
    assert "in the place of app.main.SessionLocal, which is async now" in found.message
    assert (found.path, found.line > 0) == (PATH, True)


@pytest.mark.parametrize(
    "test",
    [
        'def test_a(monkeypatch):\n    monkeypatch.setattr("app.main.app", 1)\n',
        """\
from app import main
from sqlalchemy.ext.asyncio import async_sessionmaker

Own = async_sessionmaker()

def test_a(monkeypatch):
    monkeypatch.setattr(main, "SessionLocal", Own)
""",
    ],
)
def test_what_is_async_or_no_source_is_not_reported(test: str) -> None:
    assert "MA431" not in {item.code for item in plan(test).diagnostics}


@pytest.mark.parametrize("value", ["Own", "lambda: Own()", "lambda: db"])
def test_a_sync_factory_by_monkeypatch_is_adapted(value: str) -> None:
    """By a plugin of the runtime, when the tests run."""
    test = f"""\
from app import main
from sqlalchemy.orm import sessionmaker

Own = sessionmaker()

def test_a(monkeypatch):
    db = Own()
    monkeypatch.setattr(main, "SessionLocal", {value})
"""
    assert "MA431" not in {item.code for item in plan(test).diagnostics}


def test_a_mock_in_an_object_that_only_holds_a_session_is_reported() -> None:
    box = """
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

SessionLocal = sessionmaker()


@dataclass
class Box:
    db: Session


def count(box: Box):
    return box.db.scalar(text("SELECT 1"))


def own():
    with SessionLocal() as db:
        return count(Box(db))
"""
    test = "from box import Box, count\nfrom unittest.mock import Mock\n\n\n"
    test += "def test_it():\n    assert count(Box(Mock()))\n"
    found = make_plan(project({"box.py": box, "test_box.py": test}), Step.ALL, Settings())
    assert "MA431" in {item.code for item in found.diagnostics}
