"""Functions that start with the application, where a lifespan could not call them as it does."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.model.selection import EVERYTHING
from support.http_sequence import replay
from support.migration import written
from support.route_by_route import migrate

_BASE = """\
import asyncio
import os
from functools import wraps

from sqlalchemy import Column, Integer, String, create_engine
from sqlalchemy.orm import declarative_base, sessionmaker

engine = create_engine(os.environ["DATABASE_URL"])
SessionLocal = sessionmaker(bind=engine)
Base = declarative_base()


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(String)


def get_db():
    with SessionLocal() as db:
        yield db


def add(name):
    with SessionLocal() as db:
        db.add(User(name=name))
        db.commit()


def repeatedly(function):
    @wraps(function)
    async def start():
        await asyncio.to_thread(function)

    return start
"""
_MAIN = """\
import os
from fastapi import APIRouter, Depends, FastAPI
from sqlalchemy.orm import Session
from base import Base, SessionLocal, User, add, engine, get_db, repeatedly

app = FastAPI()


@app.get("/names")
def names(db: Session = Depends(get_db)):
    return [user.name for user in db.query(User).order_by(User.id)]


@app.on_event("startup")
def tables():
    Base.metadata.create_all(engine)
    add("tables")


"""
_CONDITIONAL = """\
if os.environ.get("NOBODY_SETS_THIS"):

    @app.on_event("startup")
    def fill():
        add("fill")
"""
_DECORATED = """\
@app.on_event("startup")
@repeatedly
def fill():
    add("fill")
"""
_UNDER_ANOTHER_NAME = """\
def fill():
    add("fill")


app.router.on_startup.append(fill)
"""
_OF_A_ROUTER = """\
router = APIRouter()


@router.on_event("startup")
def fill():
    add("fill")


app.include_router(router)
"""
_TWICE = """\
@app.on_event("startup")
def fill():
    add("fill")


@app.on_event("startup")
def fill():
    add("once more")
"""
_ELSEWHERE = """\
import jobs
"""
_JOBS = """\
from base import add
from main import app


@app.on_event("startup")
def fill():
    add("fill")
"""


@pytest.mark.parametrize(
    ("handlers", "names"),
    [
        (_CONDITIONAL, ["tables"]),
        (_DECORATED, ["tables", "fill"]),
        (_UNDER_ANOTHER_NAME, ["tables", "fill"]),
        (_OF_A_ROUTER, ["tables", "fill"]),
        (_TWICE, ["tables", "fill", "once more"]),
        (_ELSEWHERE, ["tables", "fill"]),
    ],
)
def test_they_go_on_starting(handlers: str, names: list[str], tmp_path: Path) -> None:
    """Before, a lifespan called what there may not be, awaited nothing, or forgot the others."""
    files = {"base.py": _BASE, "main.py": _MAIN + handlers, "jobs.py": _JOBS}
    requests = [{"method": "GET", "path": "/names"}]
    before = replay(written(tmp_path / "before", files), requests, app="main:app")
    assert list(dict.fromkeys(before[0]["json"])) == names  # routers start twice, or once
    folder = written(tmp_path / "after", files)
    migrate(folder, EVERYTHING)
    assert "async def names" in (folder / "main.py").read_text()
    assert replay(folder, requests, app="main:app") == before


def test_tables_at_import_beside_them(tmp_path: Path) -> None:
    """No lifespan can make them: they are made where they were."""
    main = _MAIN.replace("    Base.metadata.create_all(engine)\n", "").replace(
        "app = FastAPI()\n", "app = FastAPI()\nBase.metadata.create_all(engine)\n"
    )
    files = {"base.py": _BASE, "main.py": main + _DECORATED}
    requests = [{"method": "GET", "path": "/names"}]
    before = replay(written(tmp_path / "before", files), requests, app="main:app")
    assert before[0]["json"] == ["tables", "fill"]
    folder = written(tmp_path / "after", files)
    migrate(folder, EVERYTHING)
    assert "async def names" in (folder / "main.py").read_text()
    assert replay(folder, requests, app="main:app") == before


def test_tables_at_import_beside_a_lifespan(tmp_path: Path) -> None:
    main = _MAIN.replace("    Base.metadata.create_all(engine)\n", "").replace(
        "app = FastAPI()\n",
        "from contextlib import asynccontextmanager\n\n\n@asynccontextmanager\n"
        'async def start(app):\n    add("start")\n    yield\n\n\n'
        "app = FastAPI(lifespan=start)\nBase.metadata.create_all(engine)\n",
    )
    files = {"base.py": _BASE, "main.py": main}
    requests = [{"method": "GET", "path": "/names"}]
    before = replay(written(tmp_path / "before", files), requests, app="main:app")
    assert before[0]["json"] == ["start"]
    folder = written(tmp_path / "after", files)
    migrate(folder, EVERYTHING)
    assert "async def names" in (folder / "main.py").read_text()
    assert replay(folder, requests, app="main:app") == before
