"""`--step tests`: which suites keep their sync sessions, with the reason; what listeners become."""

from __future__ import annotations

import pytest

from migrate_async.config import Settings
from migrate_async.model import plan as p
from migrate_async.plan.planner import make_plan
from support.projects import project

MIGRATED = """\
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

engine = create_async_engine("sqlite+aiosqlite://")
SessionLocal = async_sessionmaker(engine, expire_on_commit=False)


async def get_db():
    async with SessionLocal() as db:
        yield db
"""
SYNC = """\
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

engine = create_engine("sqlite://")
SessionLocal = sessionmaker(engine)


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
"""
HEAD = """\
import pytest
from sqlalchemy import create_engine, event
from sqlalchemy.orm import Session, sessionmaker

from app.database import get_db
from app.main import app

engine = create_engine("sqlite://")
TestingSession = sessionmaker(bind=engine)


@pytest.fixture
def db():
    with TestingSession() as session:
        yield session


"""
TEST = "def test_a(db):\n    db.commit()\n"


def planned(test: str = TEST, *, database: str = MIGRATED) -> p.Plan:
    """The plan for a suite of one module."""
    files = {
        "app/database.py": database,
        "app/main.py": "from fastapi import FastAPI\n\napp = FastAPI()\n",
        "tests/test_a.py": HEAD + test,
    }
    return make_plan(project(files), p.Step.TESTS, Settings())


def messages(plan: p.Plan) -> list[tuple[str, str]]:
    return [(item.code, item.message) for item in plan.diagnostics]


def test_sessions_convert_with_what_makes_and_uses_them() -> None:
    plan = planned()
    assert messages(plan) == []
    assert {file.path for file in plan.files} == {"tests/test_a.py"}


@pytest.mark.parametrize(
    ("test", "database", "code", "words"),
    [
        pytest.param(TEST, SYNC, "MA573", "get_db has not migrated yet", id="too early"),
        pytest.param(
            "import unittest\n\nclass T(unittest.TestCase):\n    def test_b(self):\n"
            "        TestingSession().commit()\n",
            MIGRATED,
            "MA573",
            "cannot await",
            id="unittest",
        ),
        pytest.param(
            "class TestB:\n    def setup_method(self):\n        TestingSession().commit()\n",
            MIGRATED,
            "MA573",
            "pytest calls it by its name",
            id="xunit",
        ),
        pytest.param(
            "from sqlalchemy.orm import scoped_session\n\n"
            "shared = scoped_session(TestingSession)\n\n" + TEST,
            MIGRATED,
            "MA573",
            "scoped_session",
            id="scoped session",
        ),
        pytest.param(
            "from factory.alchemy import SQLAlchemyModelFactory\n\n"
            "class Users(SQLAlchemyModelFactory):\n    pass\n\n" + TEST,
            MIGRATED,
            "MA574",
            "Users makes objects",
            id="factory_boy",
        ),
    ],
)
def test_a_suite_that_cannot_convert_is_left_as_a_whole(
    test: str, database: str, code: str, words: str
) -> None:
    plan = planned(test, database=database)
    [(found, message)] = messages(plan)
    assert found == code
    assert words in message
    assert not plan.files


def test_a_sync_client_keeps_its_sync_sessions() -> None:
    """What cannot be awaited of a client decides for the sessions, too: one event loop."""
    test = (
        "from fastapi.testclient import TestClient\n\n"
        "def test_a(db):\n    with TestClient(app).websocket_connect('/') as socket:\n"
        "        db.commit()\n"
    )
    plan = planned(test)
    assert [code for code, _ in messages(plan)] == ["MA571"]
    assert not plan.files


def test_get_db_converts_although_tests_take_its_override_back() -> None:
    """It is a key of the table there, and nobody calls it."""
    test = (
        "def test_a(db, monkeypatch):\n    app.dependency_overrides[get_db] = lambda: db\n"
        "    monkeypatch.setitem(app.dependency_overrides, get_db, lambda: db)\n"
        "    app.dependency_overrides.pop(get_db)\n"
    )
    files = {
        "app/database.py": SYNC,
        "app/main.py": "from fastapi import FastAPI\n\napp = FastAPI()\n",
        "tests/test_a.py": HEAD + test,
    }
    plan = make_plan(project(files), p.Step.ALL, Settings())
    [decision] = [item for item in plan.functions if item.function == "app.database.get_db"]
    assert decision.verdict == "convert"
