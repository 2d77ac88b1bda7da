"""Engines, factories and functions whose own names say `sync`, and what is called so beside them.

The code is executed before, after each route and after all.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import printed_anew, tree, write
from support.route_by_route import in_random_order

_MAIN = """\
from contextlib import contextmanager

from fastapi import Depends, FastAPI
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

{engine} = create_engine("sqlite:///items.db", connect_args={{"check_same_thread": False}})
{factory} = sessionmaker(bind={engine})


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


Base.metadata.create_all({engine})
app = FastAPI()


@contextmanager
def {scope}():
    session = {factory}()
    try:
        yield session
        session.commit()
    finally:
        session.close()


def {dependency}():
    with {factory}() as db:
        yield db


@app.post("/items/{{name}}")
def add(name: str):
    with {scope}() as db:
        db.add(Item(name=name))


@app.get("/names")
def names(db: Session = Depends({dependency})):
    return [item.name for item in db.query(Item)]


@app.get("/count")
def count():
    with {scope}() as db:
        return db.query(Item).enable_assertions(False).count()


@app.get("/first")
def first(db: Session = Depends({dependency})):
    return db.query(Item).enable_assertions(False).first().name
"""
_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    for name in ("a", "b"):
        client.post("/items/" + name)
    print([client.get(path).text for path in ("/names", "/count", "/first")])
"""
_ANSWERS = """['["a","b"]', '2', '"a"']\n"""
_NAMES = {
    "sync": ("sync_engine", "sync_session", "sync_scope", "sync_db"),
    "Sync": ("sync_engine", "SyncSession", "sync_scope", "get_db"),
    "snake case": ("engine", "session_factory", "session_scope", "get_db"),
}
_BESIDE = {
    "sync": ("blocking_engine =", "blocking_session =", "def blocking_scope():", "get_sync_db"),
    "Sync": ("blocking_engine =", "BlockingSession =", "def blocking_scope():", "get_sync_db"),
    "snake case": ("sync_engine =", "sync_session_factory =", "def sync_session_scope", "get_sync"),
}


def _written(folder: Path, kind: str) -> Path:
    folder.mkdir()
    engine, factory, scope, dependency = _NAMES[kind]
    text = _MAIN.format(engine=engine, factory=factory, scope=scope, dependency=dependency)
    (folder / "main.py").write_text(text)
    (folder / "pyproject.toml").write_text("")
    return folder


@pytest.mark.parametrize("kind", _NAMES)
def test_what_stands_beside_them_has_a_name_of_its_own(kind: str, tmp_path: Path) -> None:
    once = _written(tmp_path / "once", kind)
    assert printed_anew(once, _USE) == _ANSWERS
    write(once, "--all")
    text = (once / "main.py").read_text()
    assert all(name in text for name in _BESIDE[kind])
    assert "sync_sync" not in text.lower()
    assert printed_anew(once, _USE) == _ANSWERS
    done = tree(once)
    write(once, "--all", "--allow-dirty")
    assert tree(once) == done, "a second run changes nothing"
    steps = _written(tmp_path / "steps", kind)
    for route in in_random_order(steps, 1):
        assert printed_anew(steps, _USE) == _ANSWERS, route
    assert tree(steps) == done


@pytest.mark.parametrize("kind", _NAMES)
def test_it_goes_with_the_last_who_needs_it(kind: str, tmp_path: Path) -> None:
    folder = _written(tmp_path / "app", kind)
    main = folder / "main.py"
    main.write_text(main.read_text().replace(".enable_assertions(False)", ""))
    write(folder, "--route", "GET /count")
    assert printed_anew(folder, _USE) == _ANSWERS
    write(folder, "--all", "--allow-dirty")
    text = main.read_text()
    assert not any(name in text for name in _BESIDE[kind])
    assert printed_anew(folder, _USE) == _ANSWERS


_UNKNOWN = """
from fastapi import Request


app.state.reports = vars(__import__("types"))["SimpleNamespace"](sync_engine=vars(dict))


@app.get("/unknown")
def unknown(request: Request, db: Session = Depends(get_db)):
    return [len(request.app.state.reports.sync_engine) > 0, db.query(Item).count()]
"""


def test_that_of_an_unknown_object_is_none_of_them(tmp_path: Path) -> None:
    folder = _written(tmp_path / "app", "snake case")
    main = folder / "main.py"
    main.write_text(main.read_text() + _UNKNOWN)
    use = _USE.replace('"/first")', '"/first", "/unknown")')
    before = printed_anew(folder, use)
    assert "[true,2]" in before
    for selected in (("--route", "GET /names"), ("--route", "GET /unknown"), ("--all",)):
        write(folder, *selected, "--allow-dirty")
        assert "\nsync_engine =" in main.read_text()
        assert "(request.app.state.reports.sync_engine)" in main.read_text()
        assert printed_anew(folder, use) == before
