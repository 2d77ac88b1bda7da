"""Sessions that a helper puts into an object which nobody follows: others take them there."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import own_tests, printed, printed_anew, tree, write, written

_DATABASE = """\
from sqlmodel import Field, Session, SQLModel, create_engine

engine = create_engine("sqlite:///./shelves.db")


class Shelf(SQLModel, table=True):
    id: int = Field(primary_key=True)
    name: str


SQLModel.metadata.create_all(engine)


def get_session():
    with Session(engine) as session:
        yield session
"""
_HOLDER = """\
from argparse import Namespace

from sqlmodel import Session, select

from database import Shelf

desk = Namespace()


def attach(holder, session: Session) -> None:
    holder.session = session


def attach_to_typed(holder: Namespace, session: Session) -> None:
    holder.session = session


def attach_and_flush(holder, session: Session) -> None:
    session.flush()
    holder.session = session


def attach_by_another(holder, session: Session) -> None:
    attach(holder, session)


def count():
    return len(desk.session.exec(select(Shelf)).all())


class Desk:
    def __init__(self, session: Session):
        self.session = session

    def count(self):
        return len(self.session.exec(select(Shelf)).all())
"""
_MAIN = """\
from fastapi import Depends, FastAPI
from sqlmodel import Session, select

import holder
from database import Shelf, get_session

app = FastAPI()


@app.post("/shelves/{name}")
def add(name: str, session: Session = Depends(get_session)):
    session.add(Shelf(name=name))
    session.commit()
    return {"name": name}


@app.get("/count")
def count(session: Session = Depends(get_session)):
    holder.attach(holder.desk, session)
    return {"count": holder.count(), "names": len(session.exec(select(Shelf)).all())}


@app.get("/desk")
def at_desk(session: Session = Depends(get_session)):
    return {"count": holder.Desk(session).count()}
"""
_USE = """\
from fastapi.testclient import TestClient
from main import app

with TestClient(app) as client:
    for method, path in [("POST", "/shelves/one"), ("GET", "/count"), ("GET", "/desk")]:
        print(client.request(method, path).text)
"""


@pytest.mark.parametrize(
    "helper", ["attach", "attach_to_typed", "attach_and_flush", "attach_by_another"]
)
def test_who_has_it_put_away_stays_sync(tmp_path: Path, helper: str) -> None:
    main = _MAIN.replace("holder.attach(", f"holder.{helper}(")
    written(tmp_path, {"database.py": _DATABASE, "holder.py": _HOLDER, "main.py": main})
    before = printed_anew(tmp_path, _USE)
    (tmp_path / "shelves.db").unlink()
    assert '{"count":1,"names":1}' in before
    write(tmp_path, "--all")
    after = tree(tmp_path)
    assert b"\ndef count(session: Session = " in after["main.py"]
    assert b"async def at_desk(" in after["main.py"]
    assert printed_anew(tmp_path, _USE) == before
    (tmp_path / "shelves.db").unlink()
    write(tmp_path, "--all")
    assert tree(tmp_path) == after


_MANAGE = """\
import argparse

from sqlmodel import Session, select

from database import Shelf, get_session

program = argparse.ArgumentParser()


def use(parser: argparse.ArgumentParser, session: Session) -> None:
    parser.session = session


def count() -> None:
    print(len(program.session.exec(select(Shelf)).all()))


if __name__ == "__main__":
    session = next(get_session())
    use(program, session)
    count()
"""


def test_a_script_that_takes_one_out_of_the_dependency(tmp_path: Path) -> None:
    files = {"database.py": _DATABASE, "holder.py": _HOLDER, "main.py": _MAIN}
    written(tmp_path, {**files, "manage.py": _MANAGE})
    run = "import runpy\nrunpy.run_path('manage.py', run_name='__main__')"
    write(tmp_path, "--all")
    assert "    session = Session(sync_engine)\n" in (tmp_path / "manage.py").read_text()
    assert printed(tmp_path, run).strip() == "0"


_TEST = """\
import argparse

import pytest
from database import Shelf, SQLModel, engine
from holder import attach, count, desk
from sqlmodel import Session, select


@pytest.fixture
def session():
    with Session(engine) as session:
        yield session


def test_count(session):
    attach(desk, session)
    assert count() == len(session.exec(select(Shelf)).all())
"""


def test_a_test_that_has_one_put_away(tmp_path: Path) -> None:
    files = {"database.py": _DATABASE, "holder.py": _HOLDER, "main.py": _MAIN}
    written(tmp_path, {**files, "test_holder.py": _TEST})
    write(tmp_path, "--all")
    run = own_tests(tmp_path)
    assert run.returncode == 0, run.stdout
