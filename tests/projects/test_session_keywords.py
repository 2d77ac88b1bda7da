"""Decorators that open a session and put it among the arguments of what they are on.

The code is executed before and after.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import printed_anew, tree, write

_DATABASE = """\
from functools import wraps

from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

engine = create_engine("sqlite:///shelves.db")
SessionLocal = sessionmaker(bind=engine, expire_on_commit=False)


class Base(DeclarativeBase):
    pass


class Shelf(Base):
    __tablename__ = "shelves"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


Base.metadata.create_all(engine)
seen = []


def begin_session(function):
    @wraps(function)
    def wrapper(*args, **kwargs):
        if kwargs.get("session") is not None:
            return function(*args, **kwargs)
        with SessionLocal.begin() as session:
            kwargs["session"] = session
            return function(*args, **kwargs)

    return wrapper
"""

_SHELVES = """\
from functools import wraps

from sqlalchemy import select
from sqlalchemy.orm import Session

from database import Shelf, begin_session, seen


def with_query(function):
    @wraps(function)
    def wrapper(*args, **kwargs):
        kwargs["query"] = select(Shelf)
        return function(*args, **kwargs)

    return wrapper


class Shelves:
    @begin_session
    def add(self, name: str, session: Session = None):
        shelf = Shelf(name=name)
        session.add(shelf)
        session.flush()
        return shelf

    @begin_session
    @with_query
    def find(self, key: int, query=None, session: Session = None):
        return session.scalar(query.filter_by(id=key).limit(1))

    @begin_session
    def rename(self, key: int, name: str, session: Session = None):
        shelf = self.find(key, session=session)
        shelf.name = name
        if name == "bad":
            raise ValueError(name)
        return shelf


shelves = Shelves()
"""

_MAIN = """\
from fastapi import FastAPI, HTTPException

from shelves import shelves

app = FastAPI()


@app.post("/shelves")
def add(name: str):
    return {"id": shelves.add(name).id}


@app.get("/shelves/{key}")
def read(key: int):
    shelf = shelves.find(key)
    if shelf is None:
        raise HTTPException(404)
    return {"name": shelf.name}


@app.put("/shelves/{key}")
def rename(key: int, name: str):
    try:
        return {"name": shelves.rename(key, name).name}
    except (AttributeError, ValueError) as error:
        raise HTTPException(400, str(error))
"""

_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    def show(method, path, **params):
        answer = client.request(method, path, params=params)
        print(answer.status_code, answer.text)
    show("POST", "/shelves", name="one")
    show("PUT", "/shelves/1", name="two")
    show("PUT", "/shelves/1", name="bad")
    show("PUT", "/shelves/9", name="two")
    show("GET", "/shelves/1")
    show("GET", "/shelves/9")
"""


def _written(folder: Path, **changed: str) -> Path:
    files = {"database": _DATABASE, "shelves": _SHELVES, "main": _MAIN} | changed
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    return folder


def test_the_session_becomes_async_with_whatever_gets_it(tmp_path: Path) -> None:
    before = printed_anew(_written(tmp_path), _USE)
    assert '{"name":"two"}' in before
    write(tmp_path, "--all")
    database, shelves = ((tmp_path / f"{n}.py").read_text() for n in ("database", "shelves"))
    assert "async with SessionLocal.begin() as session:" in database
    assert "return await function(*args, **kwargs)" in database
    assert "return await session.scalar(" in shelves
    assert "await self.find(key, session=session)" in shelves
    assert printed_anew(tmp_path, _USE) == before
    after = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == after, "a second run changes nothing"


def test_route_by_route_it_ends_the_same(tmp_path: Path) -> None:
    once, steps = tmp_path / "once", tmp_path / "steps"
    once.mkdir()
    steps.mkdir()
    before = printed_anew(_written(once), _USE)
    write(once, "--all")
    _written(steps)
    for _ in range(3):
        write(steps, "--next", "1", "--allow-dirty")
        assert printed_anew(steps, _USE) == before
    write(steps, "--all", "--allow-dirty")
    assert {n: t for n, t in tree(steps).items() if n.endswith(".py")} == {
        n: t for n, t in tree(once).items() if n.endswith(".py")
    }


def test_it_may_be_on_any_number_of_functions(tmp_path: Path) -> None:
    many = "".join(
        f"    @begin_session\n    def named{n}(self, session: Session = None):\n"
        f"        return session.scalars(select(Shelf.name).offset({n})).all()\n\n"
        for n in range(60)
    )
    shelves = _SHELVES.replace(
        "    @begin_session\n    def add(", f"{many}    @begin_session\n    def add("
    )
    main = (
        _MAIN
        + "\n\n@app.get('/named')\ndef named():\n    return shelves.named0() + shelves.named59()\n"
    )
    use = f"{_USE}    show('GET', '/named')\n"
    before = printed_anew(_written(tmp_path, shelves=shelves, main=main), use)
    assert '["two"]' in before
    write(tmp_path, "--all")
    assert "async def named59(" in (tmp_path / "shelves.py").read_text()
    assert printed_anew(tmp_path, use) == before


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("database", "            kwargs[", "            seen.append(kwargs)\n            kwargs["),
        (
            "database",
            '            kwargs["session"] = session\n',
            '            kwargs["session"] = session\n            kwargs["session"].flush()\n',
        ),
        (
            "shelves",
            '        kwargs["query"]',
            '        seen.append(kwargs["session"])\n        kwargs["query"]',
        ),
        ("shelves", "self, name: str, session: Session = None", "self, name: str, **given"),
        (
            "shelves",
            "key: int, query=None, session: Session = None",
            "key: int, query=None, session: object = None",
        ),
    ],
    ids=["kept", "used", "used below", "no parameter", "of unknown kind"],
)
def test_what_may_be_anybodys_stays_sync(tmp_path: Path, module: str, old: str, new: str) -> None:
    text = {"database": _DATABASE, "shelves": _SHELVES}[module]
    assert old in text
    text = text.replace(old, new)
    if "**given" in new:
        text = text.replace(
            "        shelf = Shelf(",
            '        session = given["session"]\n        shelf = Shelf(',
            1,
        )
    before = printed_anew(_written(tmp_path, **{module: text}), _USE)
    assert '{"name":"two"}' in before
    write(tmp_path, "--all")
    assert "    def wrapper(" in (tmp_path / "database.py").read_text()
    assert printed_anew(tmp_path, _USE) == before
