"""A decorator that opens sessions, on what converts and on what stays sync.

The code is executed before and after.
"""

from __future__ import annotations

from pathlib import Path

from support.migration import printed_anew, tree, write

_DATABASE = """\
import functools

from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

sync_engine = create_engine("sqlite:///users.db")
sync_session = sessionmaker(bind=sync_engine, expire_on_commit=False)


def begin_session(func):
    @functools.wraps(func)
    def wrapper(*args, **kwargs):
        if kwargs.get("session") is not None:
            return func(*args, **kwargs)
        try:
            with sync_session.begin() as s:
                kwargs["session"] = s
                return func(*args, **kwargs)
        except ValueError as error:
            return {"error": str(error)}

    return wrapper
"""

_MODELS = """\
from sqlalchemy import Column, ForeignKey, Integer, String
from sqlalchemy.orm import declarative_base

Base = declarative_base()


class User(Base):
    __tablename__ = "users"

    id = Column(Integer, primary_key=True)
    name = Column(String(30))

    @property
    def scopes(self):
        from handlers import scope_handler

        return scope_handler.names_of(self.id)


class Scope(Base):
    __tablename__ = "scopes"

    id = Column(Integer, primary_key=True)
    user_id = Column(ForeignKey("users.id"))
    name = Column(String(30))
"""

_HANDLERS = """\
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from database import begin_session
from models import Scope, User


class ScopeHandler:
    @begin_session
    def add(self, user_id: int, name: str, session: Session = None):
        if not name:
            raise ValueError("no name")
        session.add(Scope(user_id=user_id, name=name))
        session.flush()
        return self.names_of(user_id, session=session)

    @begin_session
    def names_of(self, user_id: int, session: Session = None):
        found = select(Scope.name).where(Scope.user_id == user_id).order_by(Scope.name)
        return list(session.scalars(found))

    @begin_session
    def clear(self, user_id: int, session: Session = None):
        session.execute(delete(Scope).where(Scope.user_id == user_id))


class UserHandler:
    @begin_session
    def add(self, name: str, session: Session = None):
        user = User(name=name)
        session.add(user)
        session.flush()
        scope_handler.add(user.id, "read", session=session)
        return user

    @begin_session
    def get(self, user_id: int, session: Session = None):
        return session.query(User).filter(User.id == user_id).first()

    @begin_session
    def count(self, session: Session = None):
        return session.query(User).count()


scope_handler = ScopeHandler()
user_handler = UserHandler()
"""

_MAIN = """\
from fastapi import FastAPI

from database import sync_engine
from handlers import scope_handler, user_handler
from models import Base

app = FastAPI()


@app.on_event("startup")
def start():
    Base.metadata.create_all(sync_engine)


@app.post("/users/{name}")
def add(name: str):
    return user_handler.add(name).id


@app.post("/users/{user_id}/scopes")
def add_scope(user_id: int, name: str):
    return scope_handler.add(user_id, name)


@app.delete("/users/{user_id}/scopes")
def clear(user_id: int):
    scope_handler.clear(user_id)
    return user_handler.count()


@app.get("/users/{user_id}")
def read(user_id: int):
    user = user_handler.get(user_id)
    if user is None:
        return None
    return {"name": user.name, "scopes": user.scopes}
"""

_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    print(client.post("/users/one").text, client.post("/users/1/scopes?name=write").text)
    print(client.post("/users/1/scopes?name=").text, client.get("/users/1").text)
    print(client.delete("/users/1/scopes").text, client.get("/users/1").text)
    print(client.get("/users/2").text)
"""


def _written(folder: Path) -> str:
    """The project in `folder`, and what it answers."""
    files = {
        "database.py": _DATABASE,
        "models.py": _MODELS,
        "handlers.py": _HANDLERS,
        "main.py": _MAIN,
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    before = _answers(folder)
    assert '{"error":"no name"}' in before
    return before


def _answers(folder: Path) -> str:
    (folder / "users.db").unlink(missing_ok=True)
    return printed_anew(folder, _USE)


def test_what_stays_sync_has_a_copy_of_the_decorator(tmp_path: Path) -> None:
    before = _written(tmp_path)
    write(tmp_path, "--all")
    handlers, database = ((tmp_path / name).read_text() for name in ("handlers.py", "database.py"))
    assert handlers.count("async def") == 4
    assert handlers.count("@sync_begin_session\n    def names_of(") == 1
    assert handlers.count("@sync_begin_session\n    def get(") == 1
    assert "def sync_begin_session(func):" in database
    assert "return await func(*args, **kwargs)" in database
    assert _answers(tmp_path) == before
    after = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == after, "a second run changes nothing"


def test_route_by_route_it_comes_to_the_same(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        folder.mkdir()
        before = _written(folder)
    write(one, "--all")
    for _ in range(3):
        write(other, "--next", "1", "--allow-dirty")
        assert _answers(other) == before
    assert tree(one) == tree(other)


def test_the_copy_goes_with_its_last_user(tmp_path: Path) -> None:
    before = _written(tmp_path)
    write(tmp_path, "--all")
    models, main = tmp_path / "models.py", tmp_path / "main.py"
    models.write_text(models.read_text().replace("    @property\n", ""))
    models.write_text(models.read_text().replace("scope_handler.names_of(self.id)", "None"))
    main.write_text(main.read_text().replace("user.scopes", "scope_handler.names_of(user_id)"))
    write(tmp_path, "--all", "--allow-dirty")
    for name in ("handlers.py", "database.py"):
        text = (tmp_path / name).read_text()
        assert "sync_begin_session" not in text
        assert "import Session" not in text
        assert "blocking" not in text
    assert _answers(tmp_path) == before


def test_a_decorator_that_is_more_than_one_stays(tmp_path: Path) -> None:
    """It is called, too: nobody knows whether a copy would do."""
    before = _written(tmp_path)
    main = tmp_path / "main.py"
    main.write_text(
        main.read_text()
        .replace("import sync_engine", "import begin_session, sync_engine")
        .replace("user_handler.count()", "begin_session(lambda session: user_handler.count())()")
    )
    write(tmp_path, "--all")
    assert "sync_begin_session" not in (tmp_path / "handlers.py").read_text()
    assert _answers(tmp_path) == before
