"""When a test suite takes part in the migration, and when it stays on sync sessions."""

from __future__ import annotations

from migrate_async.config import Settings
from migrate_async.model.plan import Plan, Step
from migrate_async.plan.planner import make_plan
from migrate_async.report.explain import find
from migrate_async.report.roots import roots
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
    decorator, call = ("@computed_field", "") if is_property else ("", "()")
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


def why(found: Plan, name: str) -> list[tuple[str, str]]:
    (decision,) = [item for item in found.others if item.function == name]
    return [(reason.code, reason.because_of) for reason in decision.reasons]


OTHER_OBJECT = (
    REPOSITORIES
    + """

class Names:
    def __init__(self, db: Session):
        self.db = db

    def first(self):
        return self.db.scalar(text("SELECT 'a'"))
"""
)
OTHER_TEST = (
    TESTS.replace("import Report", "import Names, Report")
    + """

def test_names(db):
    assert Names(db).first() == "a"
"""
)


def test_a_test_that_keeps_others_sync_has_reasons_of_its_own() -> None:
    """What they lead on to is what keeps the suite, and no other test of it."""
    files = {
        "app/database.py": DATABASE,
        "app/repositories.py": OTHER_OBJECT.format(decorator="@computed_field", call=""),
        "app/main.py": MAIN,
        "tests/test_report.py": OTHER_TEST,
    }
    found = make_plan(project(files), Step.ALL, Settings())
    (kept,) = [item for item in found.functions if item.function == "app.repositories.Names.first"]
    test = "tests.test_report.test_names"
    assert kept.reasons[0].because_of == test
    rows = "app.repositories.Counts.rows"
    assert why(found, test)[0] == ("suite-stays", rows)
    assert [decision.function for decision in find(found, "test_names")] == [test]
    ends = {root.decision.function: root.functions for root in roots(found)}
    assert ends == {rows: 3}


def test_a_module_that_calls_at_import_is_told_of() -> None:
    files = {
        "app/database.py": DATABASE,
        "app/fill.py": (
            "from app.database import SessionLocal\nfrom sqlalchemy import text\n\n\n"
            "def fill():\n    with SessionLocal() as db:\n"
            '        db.execute(text("SELECT 1"))\n\n\nfill()\n'
        ),
    }
    found = make_plan(project(files), Step.ALL, Settings())
    assert why(found, "app.fill.<module>") == [("called-at-import", "")]


def test_nothing_is_told_of_what_no_reason_names() -> None:
    assert plan(is_property=False).others == ()
