"""`Depends(get_db)` under a name, in a variable or in an object, executed after each step."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.model.selection import EVERYTHING, Selection
from support.http_sequence import replay
from support.migration import command, tree, written
from support.route_by_route import in_random_order, migrate

_BASE = """\
import os
from typing import Annotated

from fastapi import Depends
from sqlalchemy import Column, Integer, String, create_engine
from sqlalchemy.orm import Session, declarative_base, sessionmaker

Base = declarative_base()
engine = create_engine(os.environ.get("DATABASE_URL", "sqlite:///own.db"))
SessionLocal = sessionmaker(bind=engine)


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(String)


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


DB = Depends(get_db)
DbDep = Annotated[Session, DB]
"""
_MAIN = """\
from typing import Annotated

import base
from fastapi import APIRouter, Depends, FastAPI
from sqlalchemy.orm import Session

from base import DB, Base, DbDep, SessionLocal, User, engine, get_db

app = FastAPI()


@app.on_event("startup")
def fill():
    Base.metadata.create_all(engine)
    with SessionLocal() as db:
        db.add_all([User(name="Ada"), User(name="Bea")])
        db.commit()


@app.get("/users")
def names(db: Session = DB):
    return [user.name for user in db.query(User).order_by(User.id)]


@app.post("/users")
def add(name: str, db: Annotated[Session, base.DB]):
    user = User(name=name)
    db.add(user)
    db.commit()
    return user.id


@app.get("/last", dependencies=[DB])
def last(db: DbDep):
    return db.query(User).order_by(User.id.desc()).first().name


@app.get("/count")
def count(db: Session = Depends(get_db)):
    return db.query(User).count()
"""
_REQUESTS = [
    {"method": "GET", "path": "/users"},
    {"method": "POST", "path": "/users?name=Cy"},
    {"method": "GET", "path": "/last"},
    {"method": "GET", "path": "/count"},
]
_FILES = {"base.py": _BASE, "main.py": _MAIN}


def _answers(folder: Path) -> list[dict[str, object]]:
    found = replay(folder, _REQUESTS, app="main:app")
    assert {answer["status"] for answer in found} == {200}
    return found


@pytest.mark.parametrize("seed", range(3))
def test_each_step_runs(tmp_path: Path, seed: int) -> None:
    """What has not migrated asks for the sync side, under a name of its own, too."""
    whole = written(tmp_path / "whole", _FILES)
    expected = _answers(whole)
    migrate(whole, EVERYTHING)
    assert b".query(" not in tree(whole)["main.py"]
    folder = written(tmp_path / "steps", _FILES)
    for done in in_random_order(folder, seed):
        assert _answers(folder) == expected, done
    assert tree(folder) == tree(whole)


def test_the_sync_side_of_a_name(tmp_path: Path) -> None:
    folder = written(tmp_path, _FILES)
    migrate(folder, Selection(routes=("GET /count",)))
    assert b"\nSyncDB = Depends(get_sync_db)\n" in tree(folder)["base.py"]
    assert b"\nSyncDbDep = Annotated[Session, SyncDB]\n" in tree(folder)["base.py"]
    assert b"def names(db: Session = SyncDB)" in tree(folder)["main.py"]
    assert b"Annotated[Session, base.SyncDB]" in tree(folder)["main.py"]


_INSIDE = """

def router_of(model):
    router = APIRouter()
    db_dep = Depends(get_db)

    @router.get("/named")
    def named(db: Session = db_dep):
        return db.query(model).count()

    @router.get("/ids")
    def ids(db: Session = db_dep):
        return [found.id for found in db.query(model)]

    return router


app.include_router(router_of(User))
"""


def test_a_name_in_a_function_has_no_sync_side(tmp_path: Path) -> None:
    """So nothing gets an async session by it before all of its routes are selected."""
    folder = written(tmp_path, {**_FILES, "main.py": _MAIN + _INSIDE})
    requests = [{"method": "GET", "path": path} for path in ("/count", "/named", "/ids")]
    expected = replay(folder, requests, app="main:app")
    before = tree(folder)
    refused = command(folder, "migrate", "--route", "GET /count", "--write")
    assert "select it too: --function main.router_of.ids" in refused.stderr
    assert tree(folder) == before
    functions = ("main.router_of.named", "main.router_of.ids")
    migrate(folder, Selection(routes=("GET /count",), functions=functions))
    assert b"await db.execute(select(model)" in tree(folder)["main.py"]
    assert replay(folder, requests, app="main:app") == expected
    migrate(folder, EVERYTHING)
    assert replay(folder, requests, app="main:app") == expected


_HANDED_ON = {
    "an attribute": """
class Asked:
    def __init__(self, db: Session):
        self.db = db


asked = Asked(Depends(get_db))


@app.get("/handed")
def handed(db: Session = asked.db):
    return db.query(User).count()
""",
    "a parameter": """
def serve(path: str, asked: Session):
    @app.get(path)
    def handed(db: Session = asked):
        return db.query(User).count()


serve("/handed", Depends(get_db))
""",
    "a dict": """
asked = {"db": Depends(get_db)}


def handed(db=asked["db"]):
    return db.query(User).count()


app.get("/handed")(handed)
""",
    "what a function returns": """
def ask() -> Session:
    return Depends(get_db)


@app.get("/handed")
def handed(db: Session = ask()):
    return db.query(User).count()
""",
    "another name": """
asked = ours = Depends(get_db)
also = [asked][0]


@app.get("/handed")
def handed(db: Session = also):
    return db.query(User).count()
""",
}


@pytest.mark.parametrize("code", _HANDED_ON.values(), ids=_HANDED_ON)
def test_what_is_handed_on_stays_sync(tmp_path: Path, code: str) -> None:
    """The annotation says a session of whatever kind: it became async, and its source did not."""
    folder = written(tmp_path, {**_FILES, "main.py": f"{_MAIN}\n\n{code}"})
    requests = [{"method": "GET", "path": path} for path in ("/count", "/handed")]
    expected = replay(folder, requests, app="main:app")
    migrate(folder, EVERYTHING)
    assert replay(folder, requests, app="main:app") == expected


def test_the_session_of_a_package_stays_sync(tmp_path: Path) -> None:
    """Nobody makes its dependency async."""
    main = _MAIN.replace(
        "from base import", "from company.database import get_db as theirs\n\nfrom base import"
    )
    main += "\n\ndef mine(db: Session = Depends(theirs)):\n    return db.query(User).count()\n"
    main += '\n\n@app.get("/theirs")\ndef their(count: int = Depends(mine)):\n    return count\n'
    folder = written(tmp_path, {**_FILES, "main.py": main})
    said = command(folder, "migrate", "--all", "--write").stdout
    assert "its session comes from Depends(theirs), and what that gives is not known" in said
    assert (
        b"def mine(db: Session = Depends(theirs)):\n    return db.execute("
        in tree(folder)["main.py"]
    )
    assert b"async def count(" in tree(folder)["main.py"]
    settings = '[tool.migrate-async]\nget-db = "company.database.get_db"\n'
    told = written(tmp_path / "told", {**_FILES, "main.py": main, "pyproject.toml": settings})
    migrate(told, EVERYTHING)
    assert b"async def mine(db: AsyncSession = Depends(theirs)):" in tree(told)["main.py"]
