"""Functions that give out sessions of the class itself: `return Session(engine)`."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import command, printed_anew, tree, write, written

DATABASE = """\
from functools import wraps

from sqlalchemy import Column, Integer, String, create_engine
from sqlalchemy.orm import Session, declarative_base

engine = create_engine("sqlite:///app.db")
Base = declarative_base()


class User(Base):
    __tablename__ = "users"

    id = Column(Integer, primary_key=True)
    name = Column(String)


def new_session() -> Session:
    return Session(engine)


def quiet_session():
    db = Session(engine, autoflush=False)
    return db


def all_of(model):
    return Session(engine).query(model)


def for_others(model):
    return Session(engine).query(model)


def with_session(make=new_session):
    def decorator(function):
        @wraps(function)
        def decorated(*args):
            with make() as db:
                return function(db, *args)

        return decorated

    return decorator
"""
MAIN = """\
from fastapi import FastAPI

from app.database import User, new_session, quiet_session

app = FastAPI()


@app.get("/users")
def users():
    with new_session() as db:
        return [user.name for user in db.query(User).all()]


@app.post("/users")
def add(name: str):
    with quiet_session() as db:
        user = User(name=name)
        db.add(user)
        db.commit()
        return user.id
"""
TASKS = """\
from app.database import User, all_of, new_session, quiet_session, with_session

JOBS = {}


def job(function):
    JOBS[function.__name__] = function
    return function


@job
def count():
    with new_session() as db:
        print(db.query(User).count())


@job
def rename():
    with quiet_session() as db:
        db.query(User).update({"name": "Grace"})
        db.commit()


@job
def of_all():
    return [user.name for user in all_of(User)]


@job
@with_session()
def names(db):
    return [user.name for user in db.query(User).all()]
"""
FILES = {
    "pyproject.toml": "[project]\nname = 'app'\nversion = '0'\n",
    "app/__init__.py": "",
    "app/database.py": DATABASE,
    "app/main.py": MAIN,
    "app/tasks.py": TASKS,
}
DRIVE = """\
from fastapi.testclient import TestClient

from app import database, tasks
from app.main import app

database.Base.metadata.create_all(getattr(database, "sync_engine", database.engine))
with TestClient(app) as client:
    print(client.post("/users", params={"name": "Ada"}).json(), client.get("/users").json())
    tasks.JOBS["count"]()
    tasks.JOBS["rename"]()
    print(client.get("/users").json(), tasks.JOBS["names"](), tasks.JOBS["of_all"]())
"""
ANSWERS = "1 ['Ada']\n1\n['Grace'] ['Grace'] ['Grace']\n"


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of it migrated at once."""
    app = written(tmp_path_factory.mktemp("once"), FILES)
    assert printed_anew(app, DRIVE) == ANSWERS
    write(app, "--all")
    return app


def test_they_go_with_the_engine_and_tasks_ask_a_copy(once: Path) -> None:
    assert printed_anew(once, DRIVE) == ANSWERS
    text = (once / "app/database.py").read_text()
    assert "def new_session() -> AsyncSession:\n    return AsyncSession(engine, " in text
    assert "def sync_new_session() -> Session:\n    return Session(sync_engine)" in text
    assert command(once, "verify").stdout == "Nothing found.\n"


def test_a_second_run_changes_nothing(once: Path) -> None:
    before = tree(once)
    write(once, "--all")
    assert tree(once) == before


@pytest.mark.parametrize("first", ["GET /users", "POST /users"])
def test_each_route_at_a_time(first: str, once: Path, tmp_path: Path) -> None:
    app = written(tmp_path, FILES)
    write(app, "--route", first)
    assert printed_anew(app, DRIVE) == ANSWERS
    write(app, "--all")
    assert tree(app) == tree(once)


def test_one_that_a_parameter_names_may_be_another(tmp_path: Path) -> None:
    """The decorator is given another one: there is no name to put a copy's in the place of."""
    files = {"app/tasks.py": TASKS.replace("@with_session()", "@with_session(quiet_session)")}
    app = written(tmp_path, FILES | files)
    said = write(app, "--all")
    assert "make goes on giving a sync one" in said
    assert printed_anew(app, DRIVE) == ANSWERS
    assert "with make() as db:" in (app / "app/database.py").read_text()
