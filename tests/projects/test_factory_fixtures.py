"""Fixtures that give tests a function to call, which works on the session of another fixture."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import own_tests, tree, write, written

_FILES = {
    "pyproject.toml": '[tool.pytest.ini_options]\ntestpaths = ["tests"]\npythonpath = ["."]\n',
    "database.py": """\
from sqlalchemy import Column, Integer, String, create_engine
from sqlalchemy.orm import declarative_base, sessionmaker

engine = create_engine("sqlite:///./shelves.db")
SessionLocal = sessionmaker(bind=engine)
Base = declarative_base()


class Shelf(Base):
    __tablename__ = "shelves"
    id = Column(Integer, primary_key=True)
    name = Column(String(30))


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
""",
    "crud.py": """\
from sqlalchemy.orm import Session

from database import Shelf


def names(session: Session):
    return [shelf.name for shelf in session.query(Shelf).order_by(Shelf.id).all()]
""",
    "main.py": """\
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

import crud
from database import Base, engine, get_db

Base.metadata.create_all(engine)
app = FastAPI()


@app.get("/shelves")
def shelves(db: Session = Depends(get_db)):
    return crud.names(db)
""",
    "tests/__init__.py": "",
    "tests/conftest.py": """\
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from database import Shelf
from main import app


@pytest.fixture
def client():
    return TestClient(app)


@pytest.fixture()
def session():
    own = create_engine("sqlite:///./shelves.db")
    factory = sessionmaker(bind=own)
    return factory()


@pytest.fixture()
def make_shelf(session):
    made = []

    def make(name):
        shelf = Shelf(name=name)
        session.add(shelf)
        session.commit()
        made.append(shelf)
        return shelf.name

    yield make
    for shelf in made:
        session.delete(shelf)
    session.commit()
""",
    "tests/test_shelves.py": """\
import crud


def test_one(client, make_shelf):
    name = make_shelf("one")
    assert client.get("/shelves").json() == [name]


def test_many(client, make_shelf, session):
    def fill(*given):
        return [make_shelf(name) for name in given]

    assert fill("one", "two") == client.get("/shelves").json()
    assert crud.names(session) == ["one", "two"]
""",
}


def test_the_function_and_all_who_call_it_are_coroutines(tmp_path: Path) -> None:
    written(tmp_path, _FILES)
    assert own_tests(tmp_path).returncode == 0
    write(tmp_path, "--all")
    after = tree(tmp_path)
    assert b"    async def make(name)" in after["tests/conftest.py"]
    assert b"await make_shelf(" in after["tests/test_shelves.py"]
    run = own_tests(tmp_path)
    assert run.returncode == 0, run.stdout
    write(tmp_path, "--all")
    assert tree(tmp_path) == after


@pytest.mark.parametrize(
    "use",
    [
        "sorted(map(make_shelf, given))",
        '[request.getfixturevalue("make_shelf")(name) for name in given]',
    ],
    ids=["handed on", "by its name"],
)
def test_one_that_others_may_call_stays_sync(tmp_path: Path, use: str) -> None:
    tests = _FILES["tests/test_shelves.py"].replace("[make_shelf(name) for name in given]", use)
    tests = tests.replace("make_shelf, session)", "make_shelf, session, request)")
    written(tmp_path, {**_FILES, "tests/test_shelves.py": tests})
    assert own_tests(tmp_path).returncode == 0
    write(tmp_path, "--all")
    conftest = (tmp_path / "tests/conftest.py").read_text()
    assert "    def make(name)" in conftest
    assert "@implicit_io\ndef make_shelf(session)" in conftest


_KEPT = """

@pytest.fixture()
def filled(session):
    for _, shelf in zip("ab", iter(lambda: Shelf(name="kept"), None)):
        session.add(shelf)
    session.commit()
    connection = session.connection().connection.cursor()
    yield connection is not None
    session.query(Shelf).delete()
    session.commit()
"""


def test_a_fixture_that_stays_sync_on_the_session_of_a_plain_one(tmp_path: Path) -> None:
    more = (
        "\n\ndef test_filled(client, filled):\n    assert len(client.get('/shelves').json()) == 2\n"
    )
    files = {
        **_FILES,
        "tests/conftest.py": _FILES["tests/conftest.py"] + _KEPT,
        "tests/test_shelves.py": _FILES["tests/test_shelves.py"] + more,
    }
    written(tmp_path, files)
    assert own_tests(tmp_path).returncode == 0
    write(tmp_path, "--all")
    assert "@implicit_io\ndef filled(session)" in (tmp_path / "tests/conftest.py").read_text()
    run = own_tests(tmp_path)
    assert run.returncode == 0, run.stdout
