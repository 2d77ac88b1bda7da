"""A `scoped_session` that a middleware makes for itself, and what finds its session later.

The code is executed before, while something stays sync, and after.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import printed_anew, tree, write

_DB = """\
from sqlalchemy import create_engine, inspect
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


engine = create_engine("sqlite:///notes.db")
SessionLocal = sessionmaker(bind=engine)
Base.metadata.create_all(engine)


def notes(db: Session) -> list[str]:
    return [note.text for note in db.query(Note).order_by(Note.id).all()]
"""

_MAIN = """\
from contextvars import ContextVar
from uuid import uuid1

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from sqlalchemy import inspect
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from db import Note, SessionLocal, engine, notes

app = FastAPI()
request_id = ContextVar("request_id", default=None)


def get_request_id():
    return request_id.get()


@app.middleware("http")
async def session_of_request(request: Request, call_next):
    token = request_id.set(str(uuid1()))
    session = None
    try:
        tables = inspect(engine).get_table_names()
        if request.query_params.get("table", "notes") not in tables:
            return JSONResponse({"tables": tables}, status_code=500)
        own = engine.execution_options(logging_token="request")
        session = {registry}
        request.state.db = session()
        request.state.db.info["made"] = request_id.get()
        response = await call_next(request)
        if hasattr(request.state, "db") and request.state.db.is_active:
            request.state.db.commit()
        return response
    except ValueError:
        if hasattr(request.state, "db") and request.state.db.is_active:
            request.state.db.rollback()
        return JSONResponse("refused", status_code=400)
    finally:
        if hasattr(request.state, "db"):
            request.state.db.close()
            if session is not None:
                session.remove()
        request_id.reset(token)


def get_db(request: Request) -> Session:
    return request.state.db


{permission}


class Permissions:
    def __init__(self, *classes):
        self.classes = classes

    def __call__(self, request: Request):
        return [each(request=request).allowed for each in self.classes]


@app.post("/notes", dependencies=[Depends(Permissions(Permission))])
def create(text: str, db: Session = Depends(get_db)):
    db.add(Note(text=text))
    db.flush()
    if text == "refused":
        raise ValueError
    return len(notes(db))


@app.get("/notes")
def read(db: Session = Depends(get_db)):
    return notes(db)
"""

_STAYS = """\
class Permission:
    def __init__(self, request: Request):
        self.allowed = len(notes(request.state.db)) < 10
        request.state.db.add(Note(text=f"allowed: {self.allowed}"))
"""
_CONVERTS = """\
class Permission:
    def __init__(self, request: Request):
        self.allowed = True
"""

_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    for text in ("one", "refused", "two"):
        print(client.post("/notes", params={"text": text}).text)
    print(client.get("/notes").text, client.get("/notes?table=none").text)
"""

_SCOPED = "scoped_session(sessionmaker(bind=own), scopefunc=get_request_id)"


def _used(folder: Path) -> str:
    return printed_anew(folder, _USE)


def _written(folder: Path, permission: str, registry: str = _SCOPED) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "db.py").write_text(_DB)
    code = _MAIN.replace("{registry}", registry).replace("{permission}", permission)
    (folder / "main.py").write_text(code)
    return folder


@pytest.mark.parametrize(
    "registry",
    [
        _SCOPED,
        "scoped_session(sessionmaker(bind=own))",
        "scoped_session(sessionmaker(own, autoflush=False, future=True), get_request_id)",
        "scoped_session(SessionLocal)",
        "scoped_session(session_factory=SessionLocal, scopefunc=get_request_id)",
    ],
)
def test_kept_code_finds_the_sync_side(tmp_path: Path, registry: str) -> None:
    _written(tmp_path, _STAYS, registry)
    before = _used(tmp_path)
    assert '["allowed: True","one","allowed: True","two"]' in before
    said = write(tmp_path, "--all")
    assert "MA205" not in said
    assert "MA202" not in said
    text = (tmp_path / "main.py").read_text()
    assert "notes(request.state.db.sync_session)" in text
    tells_own = "session.configure(sync_session_class=HopSession)" in text
    assert tells_own == ("SessionLocal" not in registry), "a factory of a module is told there"
    assert "await session.remove()" in text
    assert "async def create(" in text
    assert _used(tmp_path) == before
    after = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == after, "a second run changes nothing"


def test_what_kept_code_needed_goes_with_it(tmp_path: Path) -> None:
    steps = _written(tmp_path / "steps", _STAYS)
    write(steps, "--all")
    text = (steps / "main.py").read_text()
    head, rest = text.split("class Permission:", 1)
    _, tail = rest.split("class Permissions:", 1)
    (steps / "main.py").write_text(f"{head}{_CONVERTS}\n\nclass Permissions:{tail}")
    write(steps, "--all", "--allow-dirty")
    once = _written(tmp_path / "once", _CONVERTS)
    before = _used(once)
    write(once, "--all")
    assert "HopSession" not in (steps / "main.py").read_text()
    assert "async_scoped_session(" in (once / "main.py").read_text()
    assert _used(once) == _used(steps) == before


@pytest.mark.parametrize(
    "registry",
    [
        "scoped_session(sessionmaker(bind=own, class_=Session))",
        "keep(scoped_session(sessionmaker(bind=own)))",
        "scoped_session(made(own))",
    ],
)
def test_one_that_cannot_become_async_stays(tmp_path: Path, registry: str) -> None:
    helpers = (
        "def keep(value):\n    return value\n\n\ndef made(bind):\n    return sessionmaker(bind)"
    )
    _written(tmp_path, f"{helpers}\n\n\n{_STAYS}", registry)
    before = _used(tmp_path)
    said = write(tmp_path, "--all")
    assert "scoped_session" in said
    text = (tmp_path / "main.py").read_text()
    assert registry in text
    assert "async_scoped_session" not in text
    assert _used(tmp_path) == before
