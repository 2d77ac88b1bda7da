"""Decorators of the project that serve both colours, and that register routes themselves.

The code is executed before and after.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import printed_anew, tree, write

_MAIN = """\
import inspect
from functools import wraps
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ForeignKey, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship
from sqlalchemy.orm import sessionmaker

engine = create_engine("sqlite:///users.db")
SessionLocal = sessionmaker(bind=engine)


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    notes: Mapped[list["Note"]] = relationship()


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))


Base.metadata.create_all(engine)


class NoteOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    text: str


class UserOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    name: str
    notes: list[NoteOut]


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


def check(request, scopes):
    if request.headers.get("scope") not in scopes:
        raise HTTPException(403)


def guarded(scopes):
    def decorator(function):
        if "request" not in inspect.signature(function).parameters:
            raise TypeError(f"no request in {function.__name__} {function}")
        if inspect.iscoroutinefunction(function):

            @wraps(function)
            async def async_wrapper(*args, **kwargs) -> Any:
                check(kwargs["request"], scopes)
                return await function(*args, **kwargs)

            return async_wrapper

        @wraps(function)
        def wrapper(*args, **kwargs) -> Any:
            check(kwargs["request"], scopes)
            return function(*args, **kwargs)

        return wrapper

    return decorator


handlers = []


def protected(method: Any, path: str, scopes: list[str] | None = None, **kwargs):
    def decorator(function):
        made = guarded(scopes or [])(function)
        return method(path, tags=["protected"], **kwargs)(made)

    return decorator


class Router(APIRouter):
    pass


router = Router(prefix="/users")


@protected(router.get, "/{key}", ["read"], response_model=UserOut)
def read(request: Request, key: int, db: Session = Depends(get_db)):
    return db.query(User).filter(User.id == key).one()


@protected(router.post, "", ["write"])
def add(request: Request, name: str, db: Session = Depends(get_db)) -> UserOut:
    user = User(name=name, notes=[Note(text="new")])
    db.add(user)
    db.commit()
    return user


@router.delete("/{key}")
@guarded(["write"])
def remove(request: Request, key: int, db: Session = Depends(get_db)):
    return db.query(Note).filter(Note.user_id == key).delete()


app = FastAPI()
app.include_router(router, prefix="/api")
"""

_IN_A_PLAIN_ONE = """\
            def run(*args, **kwargs):
                import asyncio

                return asyncio.run(async_wrapper(*args, **kwargs))

            run.__signature__ = inspect.signature(function)
            return run
"""

_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    def show(method, path, scope):
        answer = client.request(method, path, headers={"scope": scope})
        print(answer.status_code, answer.text)
    show("POST", "/api/users?name=one", "write")
    show("POST", "/api/users?name=one", "read")
    show("GET", "/api/users/1", "read")
    show("GET", "/api/users/1", "write")
    show("DELETE", "/api/users/1", "read")
    show("DELETE", "/api/users/1", "write")
"""


def _written(folder: Path, *changes: tuple[str, str]) -> Path:
    code = _MAIN
    for old, new in changes:
        assert old in code
        code = code.replace(old, new)
    (folder / "main.py").write_text(code)
    return folder


def test_what_they_are_on_converts_and_is_a_route(tmp_path: Path) -> None:
    before = printed_anew(_written(tmp_path), _USE)
    assert '200 {"name":"one","notes":[{"text":"new"}]}' in before
    write(tmp_path, "--all")
    code = (tmp_path / "main.py").read_text()
    for name in ("read", "add", "remove"):
        assert f"async def {name}(" in code
    assert "selectinload(User.notes)" in code, "its response model is known"
    assert "    def wrapper(" in code, "the decorators stay as they are"
    assert printed_anew(tmp_path, _USE) == before
    after = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == after, "a second run changes nothing"


def test_they_go_one_by_one(tmp_path: Path) -> None:
    before = printed_anew(_written(tmp_path), _USE)
    write(tmp_path, "--route", "GET /api/users/{key}")
    code = (tmp_path / "main.py").read_text()
    assert "async def read(" in code
    assert "\ndef add(" in code
    assert printed_anew(tmp_path, _USE) == before
    write(tmp_path, "--route", "POST /api/users", "--allow-dirty")
    assert printed_anew(tmp_path, _USE) == before


@pytest.mark.parametrize(
    "changes",
    [
        [("            return async_wrapper\n", _IN_A_PLAIN_ONE)],
        [("return await function(*args, **kwargs)", "return function(*args, **kwargs)")],
        [
            (
                "    def decorator(function):",
                "    def decorator(function):\n        handlers.append(function)",
            )
        ],
        [
            (
                "made = guarded(scopes or [])(function)",
                "made = handlers.append(function) or function",
            )
        ],
        [("if inspect.iscoroutinefunction(function):", "if inspect.isasyncgenfunction(function):")],
        [("            return async_wrapper\n", "            handlers.append(async_wrapper)\n")],
    ],
    ids=["plain", "not awaited", "kept", "kept by the maker", "another check", "goes on"],
)
def test_those_that_may_not_await_keep_it_sync(
    tmp_path: Path, changes: list[tuple[str, str]]
) -> None:
    before = printed_anew(_written(tmp_path, *changes), _USE)
    assert '200 {"name":"one","notes":[{"text":"new"}]}' in before
    write(tmp_path, "--all")
    assert "\ndef read(" in (tmp_path / "main.py").read_text()
    assert printed_anew(tmp_path, _USE) == before


def test_an_async_wrapper_may_serve_both(tmp_path: Path) -> None:
    wrapper = """\
        @wraps(function)
        async def wrapper(*args, **kwargs) -> Any:
            check(kwargs["request"], scopes)
            if inspect.iscoroutinefunction(function):
                return await function(*args, **kwargs)
            return function(*args, **kwargs)

        return wrapper
"""
    start = _MAIN.index("        if inspect.iscoroutinefunction(")
    end = _MAIN.index("    return decorator\n", start)
    before = printed_anew(_written(tmp_path, (_MAIN[start:end], f"{wrapper}\n")), _USE)
    assert '200 {"name":"one","notes":[{"text":"new"}]}' in before
    write(tmp_path, "--all")
    assert "async def read(" in (tmp_path / "main.py").read_text()
    assert printed_anew(tmp_path, _USE) == before
