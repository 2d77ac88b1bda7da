"""Decorators of the project: their wrappers become coroutines with all that they wrap.

The code is executed before and after.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import printed, printed_anew, tree, write

_MAIN = """\
from functools import wraps

from fastapi import Depends, FastAPI, HTTPException
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


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


calls = []


{decorator}


app = FastAPI()


@app.get("/users/{key}")
{use}
def read(key: int, db: Session = Depends(get_db)):
    return db.query(User).filter(User.id == key).one().name


@app.post("/users")
{use}
def add(name: str, db: Session = Depends(get_db)):
    user = User(name=name)
    db.add(user)
    db.commit()
    db.refresh(user)
    return user


@app.get("/calls")
{use}
def count():
    return {{"calls": calls}}
"""

_PLAIN = """\
def counted(function):
    @wraps(function)
    def wrapper(*args, **kwargs):
        calls.append(function.__name__)
        try:
            answer = function(*args, **kwargs)
        except Exception as error:
            raise HTTPException(404, type(error).__name__)
        return answer

    return wrapper
"""

_MADE = """\
def counted(prefix):
    def decorate(function):
        @wraps(function)
        def wrapper(*args, **kwargs):
            calls.append(f"{prefix} {function.__name__}")
            try:
                return function(*args, **kwargs)
            except Exception as error:
                raise HTTPException(404, type(error).__name__)

        return wrapper

    return decorate
"""

_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    print(sorted(client.post("/users", params={"name": "one"}).json().items()))
    for path in ("/users/1", "/users/2", "/calls"):
        answer = client.get(path)
        print(answer.status_code, answer.text)
"""


def _written(folder: Path, decorator: str, use: str) -> Path:
    code = _MAIN.replace("{decorator}", decorator).replace("{use}", use)
    (folder / "main.py").write_text(code.replace("{{", "{").replace("}}", "}"))
    return folder


def _used(folder: Path) -> str:
    return printed_anew(folder, _USE)


@pytest.mark.parametrize(
    ("decorator", "use"), [(_PLAIN, "@counted"), (_MADE, '@counted("api")')], ids=["plain", "made"]
)
def test_wrappers_await_what_they_wrap(tmp_path: Path, decorator: str, use: str) -> None:
    _written(tmp_path, decorator, use)
    before = _used(tmp_path)
    assert "NoResultFound" in before
    write(tmp_path, "--all")
    code = (tmp_path / "main.py").read_text()
    assert "async def wrapper(" in code
    assert "await function(" in code
    assert "async def count():" in code, "it is wrapped as well"
    assert _used(tmp_path) == before
    after = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == after, "a second run changes nothing"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("            answer = function(", "            answer = call(function, "),
        ("    return wrapper", "    handlers.append(wrapper)\n    return wrapper"),
        ("app = FastAPI()", "app = FastAPI()\nhandlers.append(counted(len))"),
    ],
    ids=["handed on", "kept", "called"],
)
def test_one_that_does_more_stays_sync_with_what_it_is_on(
    tmp_path: Path, old: str, new: str
) -> None:
    _written(tmp_path, _PLAIN, "@counted")
    code = (tmp_path / "main.py").read_text()
    assert old in code
    helpers = "handlers = []\n\n\ndef call(function, *args, **kwargs):\n"
    helpers += '    return globals()["handlers"] and None or function(*args, **kwargs)\n\n\n'
    code = code.replace(old, new).replace("def counted", f"{helpers}def counted")
    (tmp_path / "main.py").write_text(code)
    before = _used(tmp_path)
    write(tmp_path, "--all")
    assert "    def wrapper(" in (tmp_path / "main.py").read_text()
    assert _used(tmp_path) == before


def test_the_wrapper_of_a_constructor_stays_sync(tmp_path: Path) -> None:
    """Whoever makes the object awaits neither the one nor the other."""
    _written(tmp_path, _PLAIN, "@counted")
    made = """
class Names:
    @counted
    def __init__(self, db: Session):
        self.names = [user.name for user in db.query(User).all()]


@app.get("/names")
def names(db: Session = Depends(get_db)):
    return Names(db).names
"""
    code = (tmp_path / "main.py").read_text() + made
    (tmp_path / "main.py").write_text(code)
    before = _used(tmp_path)
    write(tmp_path, "--all")
    code = (tmp_path / "main.py").read_text()
    assert "    def wrapper(" in code
    assert _used(tmp_path) == before
    assert '["one"' in printed(tmp_path, _USE.replace('"/calls")', '"/names")'))


def test_what_one_of_many_gives_is_not_taken_for_an_object(tmp_path: Path) -> None:
    """The wrapper rolls back, and its answer may be a `User` or a dictionary."""
    wrapped = _PLAIN.replace("        return answer", "        undo()\n        return answer")
    undo = "def undo():\n    with SessionLocal() as db:\n        db.rollback()\n\n\n"
    _written(tmp_path, undo + wrapped, "@counted")
    before = _used(tmp_path)
    assert '200 {"calls":' in before
    write(tmp_path, "--all")
    assert "awaitable_attrs" not in (tmp_path / "main.py").read_text()
    assert _used(tmp_path) == before
