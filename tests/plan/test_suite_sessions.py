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
    """Those about what converts; `MA572` is said of every suite that does."""
    return [(item.code, item.message) for item in plan.diagnostics if item.code != "MA572"]


def test_sessions_convert_with_what_makes_and_uses_them() -> None:
    plan = planned()
    assert messages(plan) == []
    assert {file.path for file in plan.files} == {"tests/test_a.py"}


def test_what_runs_the_tests_is_told_unless_there_is_something() -> None:
    codes = [(item.code, item.severity) for item in planned().diagnostics]
    assert codes == [("MA572", "note")]
    async_test = "@pytest.mark.asyncio\nasync def test_b():\n    pass\n\n\n"
    assert planned(async_test + TEST).diagnostics == ()


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


FACTORIES = """\
import factory
from factory.alchemy import SQLAlchemyModelFactory


class Users(SQLAlchemyModelFactory):
    class Meta:
        model = "User"


class Posts(SQLAlchemyModelFactory):
    author = factory.SubFactory(Users)


@pytest.fixture(autouse=True)
def bound(db):
    for made in (Users, Posts):
        made._meta.sqlalchemy_session = db


def test_posts():
    Posts.create_batch(2, author=Users())
    Users.build()

"""


def test_factories_convert_with_their_sessions() -> None:
    plan = planned(FACTORIES + TEST)
    assert messages(plan) == []
    [file] = plan.files
    awaited = [edit.span for edit in file.edits if isinstance(edit, p.AwaitCall)]
    line = (HEAD + FACTORIES).splitlines().index("    Posts.create_batch(2, author=Users())") + 1
    assert len([span for span in awaited if span[0] == line]) == 2
    assert not [span for span in awaited if span[0] == line + 1], "`build` needs no session"
    bases = [
        edit
        for edit in file.edits
        if isinstance(edit, p.ReplaceExpression) and edit.code == "AsyncSQLAlchemyModelFactory"
    ]
    assert len(bases) == 2


@pytest.mark.parametrize(
    ("code", "words"),
    [
        pytest.param(
            "class Own(Users):\n    @classmethod\n    def _create(cls, model, *args, **values):\n"
            "        cls._meta.sqlalchemy_session.commit()\n",
            "Own overrides _create",
            id="its own _create",
        ),
        pytest.param(
            "class Own(Users):\n    class Meta:\n        strategy = factory.BUILD_STRATEGY\n",
            "Own chooses a strategy",
            id="a strategy",
        ),
        pytest.param(
            "class Own(Users):\n    @factory.post_generation\n"
            "    def post(self, create, value, **more):\n        Posts(author=self)\n\n\n"
            "def test_own():\n    Own.build()\n",
            "Own is built outside of a session",
            id="a hook while it is built",
        ),
        pytest.param(
            "def test_own():\n    Users._meta.sqlalchemy_session.commit()\n",
            "a session is taken from a factory",
            id="its session",
        ),
        pytest.param(
            "from pytest_factoryboy import register\n\nregister(Users)\n",
            "Users is used in a way",
            id="registered",
        ),
        pytest.param(
            "def test_own():\n    list(map(Users.create, []))\n",
            "Users is used in a way",
            id="a method as a value",
        ),
        pytest.param(
            "def test_own():\n    Users.simple_generate(True)\n",
            "Users is used in a way",
            id="another method",
        ),
    ],
)
def test_factories_that_need_a_sync_session_keep_it(code: str, words: str) -> None:
    plan = planned(FACTORIES + code + "\n\n" + TEST)
    [(found, message), *_] = messages(plan)
    assert found == "MA574"
    assert words in message
    assert not plan.files


def test_code_outside_of_the_tests_that_makes_objects_keeps_the_factories() -> None:
    files = {
        "app/database.py": MIGRATED,
        "app/main.py": "from fastapi import FastAPI\n\napp = FastAPI()\n",
        "app/seed.py": "from tests.test_a import Users\n\n\ndef seed():\n    Users()\n",
        "tests/test_a.py": HEAD + FACTORIES + TEST,
    }
    plan = make_plan(project(files), p.Step.TESTS, Settings())
    assert ("MA574", "makes objects with Users") in [
        (code, message[-len("makes objects with Users") :]) for code, message in messages(plan)
    ]
    assert not plan.files


LOOPS = """\
import pytest_asyncio


@pytest_asyncio.fixture
async def client(db):
    yield db


@pytest_asyncio.fixture()
async def apart():
    yield 1


@pytest.mark.asyncio
async def test_client(client):
    pass


@pytest.mark.asyncio
async def test_apart(apart):
    pass


@pytest.mark.asyncio()
@pytest.mark.usefixtures("client")
async def test_by_name():
    pass


class TestAll:
    pytestmark = pytest.mark.asyncio

    async def test_in_a_class(self, client):
        pass


"""


def loops(plan: p.Plan, test: str) -> list[str]:
    """The functions of `test` that are told to run on the loop of the session."""
    [file] = plan.files
    lines = (HEAD + test).splitlines()
    found = []
    for edit in file.edits:
        code = getattr(edit, "code", "")
        if isinstance(code, str) and "loop_scope" in code:
            below = lines[edit.span[0] - 1 :]
            found.append(
                next(line.split("def ")[1].split("(")[0] for line in below if "def " in line)
            )
    return found


def test_what_shares_sessions_shares_the_loop_and_nothing_else_does() -> None:
    plan = planned(LOOPS + TEST)
    assert messages(plan) == []
    assert loops(plan, LOOPS + TEST) == [
        *("db", "client", "test_client", "test_by_name", "test_in_a_class", "test_a")
    ]


def test_a_fixture_for_all_tests_is_shared_by_all() -> None:
    test = LOOPS + "@pytest.fixture(autouse=True)\ndef tables(db):\n    db.commit()\n\n\n" + TEST
    plan = planned(test)
    assert messages(plan) == []
    assert {"apart", "test_apart"} <= set(loops(plan, test))


def test_a_loop_of_its_own_is_left_and_told() -> None:
    test = LOOPS.replace(
        "@pytest.mark.asyncio\nasync def test_client",
        '@pytest.mark.asyncio(loop_scope="module")\nasync def test_client',
    )
    plan = planned(test + TEST)
    assert messages(plan) == [
        ("MA575", "test_client wants an event loop of its own, and uses sessions of another")
    ]
    assert "test_client" not in loops(plan, test + TEST)


@pytest.mark.parametrize(
    "mark",
    ["@pytest.mark.anyio\n", "@pytest.mark.parametrize('anyio_backend', ['asyncio'])\n"],
)
def test_sessions_of_tests_that_anyio_runs_stay_sync(mark: str) -> None:
    test = f"@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n\n\n{mark}"
    plan = planned(test + "async def test_b(db, anyio_backend):\n    pass\n\n\n" + TEST)
    [(code, message)] = messages(plan)
    assert code == "MA573"
    assert "tests.test_a.test_b is run by the plugin of anyio" in message
    assert not plan.files


def test_a_test_that_makes_an_object_on_a_sync_session_keeps_it() -> None:
    service = """\
from sqlalchemy import text
from sqlalchemy.orm import Session


class Service:
    def __init__(self, db: Session):
        self.db = db

    @computed_field
    def total(self):
        return self.db.scalar(text("SELECT 1"))
"""
    test = "from app.service import Service\n\n\ndef test_b(db):\n    Service(db).total\n\n\n"
    files = {
        "app/database.py": MIGRATED,
        "app/main.py": "from fastapi import FastAPI\n\napp = FastAPI()\n",
        "app/service.py": service,
        "tests/test_a.py": HEAD + test + TEST,
    }
    plan = make_plan(project(files), p.Step.TESTS, Settings())
    [(code, message)] = messages(plan)
    assert code == "MA573"
    assert message.endswith("tests.test_a.test_b makes an object whose total stays sync")
    assert not plan.files
