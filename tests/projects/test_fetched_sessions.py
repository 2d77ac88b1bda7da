"""`next(get_session())` without a factory: the code is executed before and after."""

from __future__ import annotations

from pathlib import Path

from support.migration import printed_anew, tree, write

_DB = """\
from sqlmodel import Field, Session, SQLModel, create_engine

engine = create_engine("sqlite:///users.db")


class User(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str


def get_session():
    with Session(engine) as session:
        yield session
"""
_MAIN = """\
from fastapi import Depends, FastAPI
from sqlmodel import Session, SQLModel, select

from db import User, engine, get_session

SQLModel.metadata.create_all(engine)
app = FastAPI()


def seed():
    session = next(get_session())
    session.add(User(name="one"))
    session.commit()


class Names:
    @property
    def all(self):
        session = next(get_session())
        return session.exec(select(User.name)).all()


@app.get("/users")
def users(session: Session = Depends(get_session)):
    return session.exec(select(User)).all()


@app.get("/names")
def names():
    return Names().all


def all_of(names):
    return getattr(names, "all")


@app.post("/seed")
def seeded():
    seed()
"""
_USE = """
import json
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    for method, path in (("POST", "/seed"), ("GET", "/users"), ("GET", "/names")):
        print(json.dumps(client.request(method, path).json(), sort_keys=True))
"""
_MADE_INSIDE = _DB.replace("    with Session", "    engine = make()\n    with Session").replace(
    "\n\nclass User",
    '\n\ndef make():\n    return create_engine("sqlite:///users.db")\n\n\nclass User',
)


def _used(folder: Path) -> str:
    (folder / "users.db").unlink(missing_ok=True)
    return printed_anew(folder, _USE)


def _written(folder: Path, db: str = _DB) -> str:
    (folder / "db.py").write_text(db)
    (folder / "main.py").write_text(_MAIN)
    before = _used(folder)
    assert before.split("\n")[1:3] == ['[{"id": 1, "name": "one"}]', '["one"]']
    return before


def test_they_are_made_as_the_dependency_makes_them(tmp_path: Path) -> None:
    before = _written(tmp_path)
    write(tmp_path, "--all")
    code = (tmp_path / "main.py").read_text()
    assert "async with AsyncSession(engine, expire_on_commit=False) as session:" in code
    assert "session = Session(sync_engine)" in code, "read by its name, it stays sync"
    assert _used(tmp_path) == before
    after = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == after, "a second run changes nothing"


def test_they_go_one_by_one(tmp_path: Path) -> None:
    before = _written(tmp_path)
    write(tmp_path, "--route", "GET /users")
    code = (tmp_path / "main.py").read_text()
    assert "async def users(" in code
    assert "def seed():\n    session = Session(sync_engine)" in code
    assert _used(tmp_path) == before
    write(tmp_path, "--route", "POST /seed", "--allow-dirty")
    assert (
        "async with AsyncSession(engine, expire_on_commit=False) as session:"
        in (tmp_path / "main.py").read_text()
    )
    assert _used(tmp_path) == before


def test_those_that_nobody_else_can_make_stay_sync_with_their_source(tmp_path: Path) -> None:
    before = _written(tmp_path, _MADE_INSIDE)
    write(tmp_path, "--all")
    code = (tmp_path / "main.py").read_text()
    assert "session = next(get_session())" in code
    assert "def users(session: Session = Depends(get_session)):" in code
    assert _used(tmp_path) == before
