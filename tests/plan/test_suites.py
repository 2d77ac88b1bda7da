"""When a test suite takes part in the migration, and when it stays on sync sessions."""

from __future__ import annotations

from migrate_async.config import Settings
from migrate_async.model.plan import Plan, Step
from migrate_async.plan.planner import make_plan
from support.projects import project

DATABASE = """\
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session, sessionmaker

engine = create_engine("sqlite://")
SessionLocal = sessionmaker(bind=engine)


def get_db():
    with SessionLocal() as db:
        yield db
"""
REPOSITORIES = """\
from sqlalchemy import text
from sqlalchemy.orm import Session


class Counts:
    def __init__(self, db: Session):
        self.db = db

    {decorator}
    def rows(self):
        return self.db.scalar(text("SELECT 1"))


class Report:
    def __init__(self, db: Session):
        self.counts = Counts(db)

    def title(self):
        return str(self.counts.rows{call})
"""
MAIN = """\
from fastapi import Depends, FastAPI
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.database import get_db
from app.repositories import Report

app = FastAPI()


def get_report(db: Session = Depends(get_db)):
    return Report(db)


@app.get("/report")
def report(report: Report = Depends(get_report)):
    return report.title()


async def later(db: Session):
    return db.scalar(text("SELECT 2"))
"""
TESTS = """\
import pytest
from sqlalchemy.orm import Session

from app.database import engine
from app.main import later
from app.repositories import Report


@pytest.fixture
def db():
    with Session(bind=engine) as session:
        yield session


@pytest.fixture
def report(db):
    return Report(db)


def test_title(report):
    assert report.title() == "1"
"""
ASYNC_TEST = """

async def test_later(db):
    assert await later(db) == 2
"""


def plan(*, is_property: bool, tests: str = TESTS, main: str = MAIN) -> Plan:
    decorator, call = ("@property", "") if is_property else ("", "()")
    files = {
        "app/database.py": DATABASE,
        "app/repositories.py": REPOSITORIES.format(decorator=decorator, call=call),
        "app/main.py": main,
        "tests/test_report.py": tests,
    }
    return make_plan(project(files), Step.ALL, Settings())


def verdict(found: Plan, name: str) -> str:
    (decision,) = [item for item in found.functions if item.function == name]
    return decision.verdict


def edited(found: Plan, path: str) -> bool:
    return any(file.path == path and file.edits for file in found.files)


def codes(found: Plan, path: str) -> list[str]:
    return [
        edit.code
        for file in found.files
        if file.path == path
        for edit in file.edits
        if hasattr(edit, "code")
    ]


def test_a_suite_that_calls_what_converts_takes_part() -> None:
    found = plan(is_property=False)
    assert verdict(found, "app.repositories.Report.title") == "convert"
    assert verdict(found, "tests.test_report.test_title") == "convert"


def test_a_suite_whose_objects_stay_sync_stays_sync() -> None:
    found = plan(is_property=True)
    assert verdict(found, "app.repositories.Counts.rows") == "keep"
    assert not any(item.function.startswith("tests.") for item in found.functions)
    assert codes(found, "tests/test_report.py") == ["sync_engine"]


def test_the_maker_of_a_service_gives_it_the_side_of_its_repository() -> None:
    found = plan(is_property=True)
    assert "get_sync_db" in " ".join(codes(found, "app/main.py"))


def test_a_coroutine_that_tests_await_gets_its_async_session() -> None:
    """It could not use a sync one: the whole run would be refused."""
    waits = MAIN.replace("    return db.scalar", "    await sleep(0)\n    return db.scalar")
    main = f"from asyncio import sleep\n{waits}"
    found = plan(is_property=True, tests=TESTS + ASYNC_TEST, main=main)
    assert verdict(found, "app.main.later") == "convert"
    assert "MA202" not in {item.code for item in found.diagnostics}


def test_a_coroutine_that_awaits_nothing_asks_nothing_of_the_tests() -> None:
    """It becomes a `def`, which needs no other session, and had done so in an earlier run."""
    found = plan(is_property=True, tests=TESTS + ASYNC_TEST)
    assert {"MA202", "MA204"} & {item.code for item in found.diagnostics} == {"MA204"}
    assert verdict(found, "app.main.later") == "keep"
    assert not any(item.function.startswith("tests.") for item in found.functions)
