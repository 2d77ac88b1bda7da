"""Coroutines that stay sync, await nothing and open a session of their own: who awaits them."""

from __future__ import annotations

from pathlib import Path

from support.migration import printed_anew, tree, write, written

_FILES = {
    "database.py": """\
from contextlib import contextmanager
from functools import lru_cache

from sqlmodel import Field, Session, SQLModel, create_engine


class User(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str


@lru_cache
def get_engine():
    engine = create_engine("sqlite:///users.db")
    return engine


@contextmanager
def get_session():
    with Session(get_engine()) as session:
        yield session


def session_of_request():
    with Session(get_engine()) as session:
        yield session
""",
    "users.py": """\
from database import User, get_session


async def find(key):
    with get_session() as session:
        user = session.get(User, key)
    return user
""",
    "main.py": """\
from database import SQLModel, User, get_engine, get_session, session_of_request
from fastapi import Depends, FastAPI, Request
from pydantic import BaseModel, field_validator
from sqlmodel import Session, select

SQLModel.metadata.create_all(get_engine())


class Middleware:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        from users import find

        if scope["type"] == "http":
            scope["user"] = await find(1)
        await self.app(scope, receive, send)


class UserIn(BaseModel):
    name: str

    @field_validator("name")
    @classmethod
    def is_free(cls, value):
        with get_session() as session:
            if session.exec(select(User).where(User.name == value)).first():
                raise ValueError("taken")
        return value


app = FastAPI()
app.add_middleware(Middleware)


@app.post("/users")
def add(user: UserIn, request: Request, session: Session = Depends(session_of_request)):
    session.add(User(name=user.name))
    session.commit()
    first = request.scope["user"]
    return [first and first.name, len(session.exec(select(User)).all())]
""",
}
_USE = """\
from fastapi.testclient import TestClient
from main import app

with TestClient(app) as client:
    for name in ("one", "one", "two"):
        answer = client.post("/users", json={"name": name})
        print(answer.status_code, answer.text)
"""


def test_one_that_runs_in_a_thread_is_no_coroutine_any_more(tmp_path: Path) -> None:
    written(tmp_path, _FILES)
    before = printed_anew(tmp_path, _USE)
    (tmp_path / "users.db").unlink()
    assert before.count("200 ") == 2
    assert '["one",2]' in before
    write(tmp_path, "--all")
    after = tree(tmp_path)
    assert b"await run_in_threadpool(find, 1)" in after["main.py"]
    assert b"\ndef find(key)" in after["users.py"]
    assert printed_anew(tmp_path, _USE) == before
    (tmp_path / "users.db").unlink()
    write(tmp_path, "--all")
    assert tree(tmp_path) == after
