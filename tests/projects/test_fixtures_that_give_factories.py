"""Fixtures that give tests a session factory, on the engine of another fixture.

The suites are run before and after.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import command, own_tests, tree, write, written

_CONFTEST = """\
import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from database import Base


@pytest.fixture
def engine():
    engine = create_engine("sqlite:///./shelves.db")
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    return engine


@pytest.fixture
def session_factory(engine):
{body}
"""

_FILES = {
    "pyproject.toml": '[tool.pytest.ini_options]\ntestpaths = ["tests"]\npythonpath = ["."]\n',
    "database.py": """\
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

engine = create_engine("sqlite:///./application.db")
SessionLocal = sessionmaker(bind=engine)


class Base(DeclarativeBase):
    pass


class Shelf(Base):
    __tablename__ = "shelves"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


def get_db():
    with SessionLocal() as db:
        yield db
""",
    "repository.py": """\
from sqlalchemy.orm import Session

from database import Shelf


class Shelves:
    def __init__(self, session: Session) -> None:
        self.session = session

    def add(self, name: str) -> Shelf:
        shelf = Shelf(name=name)
        self.session.add(shelf)
        self.session.commit()
        self.session.refresh(shelf)
        return shelf

    def names(self) -> list[str]:
        return [shelf.name for shelf in self.session.query(Shelf).order_by(Shelf.id)]
""",
    "main.py": """\
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

from database import get_db
from repository import Shelves

app = FastAPI()


@app.get("/shelves")
def shelves(db: Session = Depends(get_db)):
    return Shelves(db).names()
""",
    "tests/__init__.py": "",
    "tests/test_shelves.py": """\
from sqlalchemy.orm import sessionmaker

from repository import Shelves


class TestShelves:
    def test_one(self, session_factory: sessionmaker) -> None:
        session = session_factory()
        assert Shelves(session=session).add("one").name == "one"
        session.close()

    def test_many(self, session_factory) -> None:
        with session_factory() as session:
            shelves = Shelves(session)
            shelves.add("one")
            shelves.add("two")
            assert shelves.names() == ["one", "two"]
""",
}

_BODIES = {
    "returned": "    return sessionmaker(bind=engine)",
    "yielded": "    yield sessionmaker(bind=engine)",
    "returned by a name": "    made = sessionmaker(bind=engine)\n    return made",
    "yielded by a name": "    made = sessionmaker(bind=engine)\n    yield made",
}


@pytest.mark.parametrize("body", _BODIES.values(), ids=_BODIES)
def test_the_factory_becomes_async_with_the_engine(tmp_path: Path, body: str) -> None:
    written(tmp_path, {**_FILES, "tests/conftest.py": _CONFTEST.format(body=body)})
    assert own_tests(tmp_path).returncode == 0
    write(tmp_path, "--all")
    after = tree(tmp_path)
    assert b"async_sessionmaker(bind=engine, expire_on_commit=False)" in after["tests/conftest.py"]
    run = own_tests(tmp_path)
    assert run.returncode == 0, run.stdout
    assert command(tmp_path, "verify").stdout == "Nothing found.\n"
    write(tmp_path, "--all")
    assert tree(tmp_path) == after, "a second run changes nothing"


_STAYS = """

def test_mapped(session_factory):
    with session_factory() as session:
        shelves = Shelves(session)
        assert [shelf.name for shelf in map(shelves.add, ["one", "two"])] == ["one", "two"]
"""


@pytest.mark.parametrize("body", _BODIES.values(), ids=_BODIES)
def test_it_stays_where_a_test_does(tmp_path: Path, body: str) -> None:
    tests = _FILES["tests/test_shelves.py"] + _STAYS
    conftest = _CONFTEST.format(body=body)
    written(tmp_path, {**_FILES, "tests/test_shelves.py": tests, "tests/conftest.py": conftest})
    assert own_tests(tmp_path).returncode == 0
    write(tmp_path, "--all")
    run = own_tests(tmp_path)
    assert run.returncode == 0, run.stdout
    after = tree(tmp_path)
    write(tmp_path, "--all")
    assert tree(tmp_path) == after, "a second run changes nothing"
