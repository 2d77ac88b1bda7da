"""A function that puts the session factory it is given into a variable of its module.

Who opens sessions with that may have to stay sync, as code that runs at import does. The code is
executed before, after one route, and after all.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import command, printed_anew, tree, write, written

_DB = """\
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

engine = create_engine("sqlite:///app.db")
SessionLocal = sessionmaker(bind=engine)


class Base(DeclarativeBase):
    pass


class Setting(Base):
    __tablename__ = "settings"

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


Base.metadata.create_all(engine)


def get_db():
    db: Session = SessionLocal()
    try:
        yield db
    finally:
        db.close()
"""

_STATE = """\
import threading
from typing import Callable

from db import Setting

_lock = threading.RLock()
_current: dict[str, str] = {}
_session_factory: Callable | None = None


def set_session_factory(factory: Callable) -> None:
    global _session_factory
    _session_factory = factory


def _load() -> dict[str, str]:
    if _session_factory is None:
        return {}
    session = _session_factory()
    try:
        row = session.get(Setting, "mode")
        return {} if row is None else {"mode": row.value}
    finally:
        session.close()


def _save(value: str) -> None:
    session = _session_factory()
    try:
        session.merge(Setting(key="mode", value=value))
        session.commit()
    finally:
        session.close()


def initialize() -> None:
    _current.update(_load())


def change(value: str) -> dict[str, str]:
    _save(value)
    _current.update(_load())
    return dict(_current)
"""

_MAIN = """\
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

import state
from db import SessionLocal, Setting, get_db
from state import change, set_session_factory

app = FastAPI()

{start}


@app.get("/settings")
def settings(db: Session = Depends(get_db)):
    return {{row.key: row.value for row in db.query(Setting)}}


@app.post("/settings")
def save(value: str, db: Session = Depends(get_db)):
    before = db.query(Setting).count()
    db.rollback()
    return [before, change(value)]
"""

_AT_IMPORT = "set_session_factory(SessionLocal)\nstate.initialize()"
_AT_START = """
@app.on_event("startup")
def start():
    set_session_factory(SessionLocal)
    state.initialize()
"""
_SEEDS = """
set_session_factory(SessionLocal)
with SessionLocal() as session:
    session.merge(Setting(key="seed", value="1"))
    session.commit()
"""

_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    for value in ("a", "b"):
        print(client.post("/settings?value=" + value).text, client.get("/settings").text)
"""


def _project(folder: Path, start: str) -> Path:
    files = {"db.py": _DB, "state.py": _STATE, "main.py": _MAIN.format(start=start)}
    return written(folder, {**files, "pyproject.toml": ""})


@pytest.mark.parametrize(
    ("start", "given", "definition"),
    [
        (_AT_IMPORT, "set_session_factory(SyncSessionLocal)", "\ndef _save"),
        (_AT_START, "set_session_factory(SessionLocal)", "\nasync def _save"),
        (_SEEDS, "set_session_factory(SessionLocal)", "\nasync def _save"),
    ],
    ids=["users stay", "users convert", "users convert, the module stays"],
)
def test_it_is_given_the_factory_that_its_users_need(
    tmp_path: Path, start: str, given: str, definition: str
) -> None:
    folder = _project(tmp_path / "once", start)
    before = printed_anew(folder, _USE)
    assert '{"mode":"b"}' in before
    write(folder, "--all")
    assert given in (folder / "main.py").read_text()
    assert definition in (folder / "state.py").read_text()
    assert printed_anew(folder, _USE) == before
    assert command(folder, "verify").stdout == "Nothing found.\n"
    done = tree(folder)
    write(folder, "--all", "--allow-dirty")
    assert tree(folder) == done, "a second run changes nothing"
    steps = _project(tmp_path / "steps", start)
    write(steps, "--route", "GET /settings")
    assert "set_session_factory(SyncSessionLocal)" in (steps / "main.py").read_text()
    assert printed_anew(steps, _USE) == before
    write(steps, "--all", "--allow-dirty")
    assert tree(steps) == done


_TWO_MODULES = (
    _STATE.replace("def _save(", "def factory():\n    return _session_factory\n\n\ndef _save(")
    .replace(
        "_session_factory()\n    try:\n        session.merge",
        "factory()()\n    try:\n        session.merge",
    )
    .replace("_current.update(_load())\n    return", "_current.update(more.load())\n    return")
    .replace("from db import", "import more\nfrom db import")
)
_MORE = """\
import threading

import state
from db import Setting

_lock = threading.RLock()


def load():
    with _lock, state._session_factory() as session:
        return {row.key: row.value for row in session.query(Setting)}
"""


def test_users_of_other_modules_and_of_a_getter_share_one_colour(tmp_path: Path) -> None:
    folder = _project(tmp_path / "app", _AT_START)
    (folder / "state.py").write_text(_TWO_MODULES)
    (folder / "more.py").write_text(_MORE)
    before = printed_anew(folder, _USE)
    write(folder, "--all")
    assert "set_session_factory(SyncSessionLocal)" in (folder / "main.py").read_text()
    assert "async def _" not in (folder / "state.py").read_text()
    assert printed_anew(folder, _USE) == before
    assert command(folder, "verify").stdout == "Nothing found.\n"
