"""Dependencies that functions make, `Depends(require("admin"))`, executed before and after."""

from __future__ import annotations

from pathlib import Path

from migrate_async.model.selection import EVERYTHING, Selection
from support.http_sequence import replay
from support.migration import command, own_tests, tree, written
from support.route_by_route import migrate

_BASE = """\
import os

from sqlalchemy import Column, ForeignKey, Integer, String, create_engine
from sqlalchemy.orm import declarative_base, relationship, sessionmaker

Base = declarative_base()
engine = create_engine(os.environ.get("DATABASE_URL", "sqlite:///own.db"))
SessionLocal = sessionmaker(bind=engine)


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    roles = relationship("Role")


class Role(Base):
    __tablename__ = "roles"
    id = Column(Integer, primary_key=True)
    user_id = Column(ForeignKey("users.id"))
    name = Column(String)


def get_db():
    with SessionLocal() as db:
        yield db
"""
_DEPS = """\
from fastapi import Depends, HTTPException
from sqlalchemy.orm import Session

from base import Role, User, get_db


def current_user(user_id: int = 1, db: Session = Depends(get_db)):
    return db.query(User).get(user_id)


def require(role: str):
    def check(user: User = Depends(current_user), db: Session = Depends(get_db)):
        if not db.query(Role).filter_by(user_id=user.id, name=role).count():
            raise HTTPException(403)
        return user

    return check


def require_loaded(role: str):
    def check(user: User = Depends(current_user)):
        if role not in [r.name for r in user.roles]:
            raise HTTPException(403)
        return user

    return check


def require_editor():
    return require("editor")


admin = require_loaded("admin")
"""
_MAIN = """\
from fastapi import APIRouter, Depends, FastAPI
from sqlalchemy.orm import Session

import deps
from base import Base, Role, SessionLocal, User, engine, get_db
from deps import admin, require, require_editor

app = FastAPI()
router = APIRouter(prefix="/router", dependencies=[Depends(require("admin"))])


@app.on_event("startup")
def fill():
    Base.metadata.create_all(engine)
    with SessionLocal() as db:
        db.add_all([User(roles=[Role(name="admin")]), User(roles=[Role(name="editor")])])
        db.commit()


@app.get("/called")
def called(user: User = Depends(require("admin"))):
    return user.id


@app.get("/named")
def named(user: User = Depends(admin)):
    return user.id


@app.get("/through")
def through(user: User = Depends(require_editor())):
    return user.id


@app.get("/listed", dependencies=[Depends(dependency=deps.admin)])
def listed(db: Session = Depends(get_db)):
    return db.query(User).count()


@router.get("/all")
def all_(db: Session = Depends(get_db)):
    return db.query(Role).count()


app.include_router(router)
"""
_TEST = """\
from fastapi.testclient import TestClient

from deps import admin
from main import app


def test_overridden():
    app.dependency_overrides[admin] = lambda: type("User", (), {"id": 7})
    with TestClient(app) as client:
        assert client.get("/named").json() == 7
"""
_FILES = {"base.py": _BASE, "deps.py": _DEPS, "main.py": _MAIN, "test_main.py": _TEST}


def _answers(folder: Path) -> list[dict[str, object]]:
    paths = ("/called", "/named", "/through", "/listed", "/router/all")
    requests = [
        {"method": "GET", "path": f"{path}?user_id={user}"} for path in paths for user in (1, 2)
    ]
    return replay(folder, requests, app="main:app")


def test_what_only_fastapi_calls_converts(tmp_path: Path) -> None:
    """Before, they stayed sync, and what they read was loaded with each object, for everyone."""
    before = _answers(written(tmp_path / "before", _FILES))
    assert {answer["status"] for answer in before} == {200, 403}
    whole = written(tmp_path / "whole", _FILES)
    migrate(whole, EVERYTHING)
    assert (whole / "deps.py").read_text().count("    async def check(") == 2
    assert "in await user.awaitable_attrs.roles]" in (whole / "deps.py").read_text()
    assert "lazy=" not in (whole / "base.py").read_text()
    assert _answers(whole) == before
    assert own_tests(whole).returncode == 0
    done = tree(whole)
    migrate(whole, EVERYTHING)
    assert tree(whole) == done, "a second run changes nothing"
    assert command(whole, "verify").returncode == 0
    for number, route in enumerate(("GET /called", "GET /listed", "GET /router/all")):
        folder = written(tmp_path / str(number), _FILES)
        migrate(folder, Selection(routes=(route,)))
        assert _answers(folder) == before, route
        assert own_tests(folder).returncode == 0, route
        migrate(folder, EVERYTHING)
        assert tree(folder) == done, f"{route} first"


def test_one_that_others_call_stays_sync(tmp_path: Path) -> None:
    files = {**_FILES, "job.py": "from deps import require\n\nrequire('x')(user=None, db=None)\n"}
    folder = written(tmp_path / "app", files)
    migrate(folder, EVERYTHING)
    text = (folder / "deps.py").read_text()
    assert text.partition("def require_loaded")[0].count("    async def check(") == 0
    assert text.count("    async def check(") == 1
