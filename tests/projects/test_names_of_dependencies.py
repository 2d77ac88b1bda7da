"""Session dependencies under other names, and as parameters of what makes routers."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.model.selection import EVERYTHING, Selection
from support.http_sequence import replay
from support.migration import command, own_tests, tree, written
from support.route_by_route import in_random_order, migrate

_BASE = """\
import os

from sqlalchemy import Column, Integer, String, create_engine
from sqlalchemy.orm import declarative_base, sessionmaker

Base = declarative_base()
engine = create_engine(os.environ.get("DATABASE_URL", "sqlite:///own.db"))
SessionLocal = sessionmaker(bind=engine)


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(String)


def get_database():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


# the name of before
get_db = get_database
"""
_DEPS = """\
import base
from base import get_database, get_db

get_session = base.get_database
db_session = get_db


def find(id, db):
    return db.query(base.User).filter(base.User.id == id).first()


find_user = find
"""
_LISTING = """\
from typing import Callable

from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session


class Listing:
    def __init__(self, model, db: Session):
        self.model = model
        self.db = db

    def all(self):
        return self.db.query(self.model).order_by(self.model.id).all()


def listing(model, get_db: Callable[[], Session]):
    def dependency(db: Session = Depends(get_db)) -> Listing:
        return Listing(model, db)

    return dependency


def router_for(model, get_session, path: str = "/counted") -> APIRouter:
    router = APIRouter()

    @router.get(path)
    def count(db: Session = Depends(get_session)):
        return db.query(model).count()

    return router
"""
_MAIN = """\
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

import deps
from base import Base, SessionLocal, User, engine, get_db
from deps import db_session, find_user
from listing import Listing, listing, router_for

app = FastAPI()
users = listing(model=User, get_db=get_db)


@app.on_event("startup")
def fill():
    Base.metadata.create_all(engine)
    with SessionLocal() as db:
        db.add_all([User(name="Ada"), User(name="Bea")])
        db.commit()


@app.get("/users")
def names(found: Listing = Depends(users)):
    return [user.name for user in found.all()]


@app.post("/users")
def add(name: str, db: Session = Depends(get_db)):
    user = User(name=name)
    db.add(user)
    db.commit()
    return user.id


@app.get("/users/{id}")
def user(id: int, db: Session = Depends(db_session)):
    return find_user(id, db).name


@app.get("/last")
def last(db: Session = Depends(deps.get_session)):
    return db.query(User).order_by(User.id.desc()).first().name


app.include_router(router_for(User, get_session=deps.get_session))
"""
_TEST = """\
from fastapi.testclient import TestClient

from base import get_db
from main import app


def test_alias_is_overridden():
    app.dependency_overrides[get_db] = lambda: None
    with TestClient(app, raise_server_exceptions=False) as client:
        assert client.get("/last").status_code == 500
    app.dependency_overrides.clear()
"""
_FIRST = """

@app.get("/first")
def first(db: Session = Depends(deps.get_database)):
    return db.query(User).order_by(User.id).first().name
"""
_FILES = {
    "base.py": _BASE,
    "deps.py": _DEPS,
    "listing.py": _LISTING,
    "main.py": _MAIN,
    "test_main.py": _TEST,
}
_REQUESTS = [
    {"method": "GET", "path": "/users"},
    {"method": "POST", "path": "/users?name=Cy"},
    {"method": "GET", "path": "/users/2"},
    {"method": "GET", "path": "/last"},
    {"method": "GET", "path": "/counted"},
]


def _answers(folder: Path) -> list[dict[str, object]]:
    return replay(folder, _REQUESTS, app="main:app")


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    folder = written(tmp_path_factory.mktemp("before"), _FILES)
    assert own_tests(folder).returncode == 0
    return _answers(folder)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything at once."""
    folder = written(tmp_path_factory.mktemp("whole"), _FILES)
    migrate(folder, EVERYTHING)
    return folder


def test_one_more_name_keeps_nothing_sync(whole: Path, expected: list[dict[str, object]]) -> None:
    """Who reads it or calls it means the function."""
    found = tree(whole)
    assert not any(b".query(" in text for text in found.values())
    assert b"(await find_user(id, db)).name" in found["main.py"]
    assert b"db: AsyncSession = Depends(get_db)) -> Listing" in found["listing.py"]
    assert _answers(whole) == expected
    assert own_tests(whole).returncode == 0
    assert command(whole, "migrate", "--all", "--check").returncode == 0


@pytest.mark.parametrize("seed", range(3))
def test_each_name_has_a_sync_side(
    whole: Path, expected: list[dict[str, object]], tmp_path: Path, seed: int
) -> None:
    """So code goes back to the name that it had, or to the parameter."""
    folder = written(tmp_path, _FILES)
    for done in in_random_order(folder, seed):
        assert _answers(folder) == expected, done
        assert own_tests(folder).returncode == 0, done
    assert tree(folder) == tree(whole)


def test_the_name_of_a_module_that_hands_it_on(tmp_path: Path) -> None:
    """The sync side is imported from where it is: that module has none."""
    folder = written(tmp_path, {**_FILES, "main.py": _MAIN + _FIRST})
    first = [{"method": "GET", "path": "/first"}]
    expected = replay(folder, first, app="main:app")
    migrate(folder, Selection(routes=("GET /last",)))
    assert b"Depends(get_sync_db)" in tree(folder)["main.py"]
    assert replay(folder, first, app="main:app") == expected
    migrate(folder, EVERYTHING)
    assert replay(folder, first, app="main:app") == expected


_OTHER = """

def other_database():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
"""


def test_a_parameter_that_two_are_given_for(tmp_path: Path) -> None:
    """No name of one sync side could stand there: they convert with what asks for them."""
    main = _MAIN.replace("import Base, ", "import Base, other_database, ")
    main += 'app.include_router(router_for(User, other_database, "/other"))\n'
    files = {**_FILES, "base.py": _BASE + _OTHER, "main.py": main}
    requests = [*_REQUESTS, {"method": "GET", "path": "/other"}]
    folder = written(tmp_path, files)
    expected = replay(folder, requests, app="main:app")
    refused = command(folder, "migrate", "--route", "GET /last", "--write")
    assert "select it too: --function listing.router_for.count" in refused.stderr
    assert tree(folder) == {path: text.encode() for path, text in files.items()}
    migrate(folder, Selection(routes=("GET /last",), functions=("listing.router_for.count",)))
    assert b".query(" in tree(folder)["deps.py"]
    assert replay(folder, requests, app="main:app") == expected
    migrate(folder, EVERYTHING)
    assert replay(folder, requests, app="main:app") == expected
    assert b".query(" not in tree(folder)["listing.py"]
