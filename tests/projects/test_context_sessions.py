"""A session in a `ContextVar`, which a property gives: one side for all that use it.

The code is executed before and after.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import printed_anew, tree, write

_MAIN = """\
import contextlib
import contextvars

from fastapi import FastAPI
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

engine = create_engine("sqlite:///users.db")
SessionLocal = sessionmaker(bind=engine)


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


Base.metadata.create_all(engine)
_session = contextvars.ContextVar("_session", default=None)


class Database:
    @classmethod
    def set_session(cls, session):
        _session.set(session)

    @property
    def session(self) -> Session:
        if _session.get() is None:
            raise RuntimeError("no session")
        return _session.get()


db = Database()


@contextlib.contextmanager
def get_session() -> Session:
    db_session = SessionLocal()
    try:
        Database.set_session(db_session)
        yield db_session
        db_session.commit()
    except Exception:
        db_session.rollback()
        raise
    finally:
        Database.set_session(None)
        db_session.close()


app = FastAPI()


@app.middleware("http")
async def session_of_request(request, call_next):
    with get_session():
        return await call_next(request)


def names() -> list[str]:
    return [user.name for user in db.session.query(User).order_by(User.id).all()]


class Permission:
    def __init__(self):
        self.count = {count}


@app.get("/users")
def users():
    return names()


@app.get("/allowed")
def allowed():
    return Permission().count


@app.post("/users")
def add(name: str):
    db.session.add(User(name=name))
    db.session.flush()
    return len(names())
"""

_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    for name in ("one", "two"):
        print(client.post("/users", params={"name": name}).text)
    print(client.get("/users").text, client.get("/allowed").text)
"""


def _used(folder: Path) -> str:
    return printed_anew(folder, _USE)


@pytest.mark.parametrize(("count", "converts"), [("3", True), ("len(names())", False)])
def test_all_that_use_the_session_of_a_context_variable_have_one_side(
    tmp_path: Path, count: str, converts: bool
) -> None:
    (tmp_path / "main.py").write_text(_MAIN.replace("{count}", count))
    before = _used(tmp_path)
    assert before.splitlines()[:2] == ["1", "2"]
    write(tmp_path, "--all")
    code = (tmp_path / "main.py").read_text()
    assert ("def session(self) -> AsyncSession:" in code) == converts
    assert ("await db.session.flush()" in code) == converts
    assert "run_sync(Database" not in code
    assert _used(tmp_path) == before
    after = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == after, "a second run changes nothing"


_ROUTES = """\
from contextvars import ContextVar

from fastapi import Depends, FastAPI
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

engine = create_engine("sqlite:///users.db")
SessionLocal = sessionmaker(bind=engine)
{variable}
app = FastAPI()


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)


def get_db():
    with SessionLocal() as db:
        yield db


@app.on_event("startup")
def fill():
    Base.metadata.create_all(engine)


def count():
    return current.get().query(User).count()


@app.get("/users")
def users(db: Session = Depends(get_db)):
    token = current.set(db)
    try:
        return count()
    finally:
        current.reset(token)
"""
_ASK = """
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    print(client.get("/users").text)
"""


@pytest.mark.parametrize(
    "variable",
    [
        'current = ContextVar("current", default=None)',
        'current: ContextVar[Session] = ContextVar("current")',
        'current = ContextVar[Session]("current")',
    ],
)
def test_what_is_put_in_is_what_is_found(tmp_path: Path, variable: str) -> None:
    """Before, `count` was not seen to work on a session, and got an async one."""
    (tmp_path / "main.py").write_text(_ROUTES.format(variable=variable))
    before = printed_anew(tmp_path, _ASK)
    write(tmp_path, "--all")
    assert "return await count()" in (tmp_path / "main.py").read_text()
    assert printed_anew(tmp_path, _ASK) == before
