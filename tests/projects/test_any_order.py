"""What earlier runs leave leads the later ones to where one run for everything ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import printed_anew, tree, write, written

DATABASE = """\
from sqlalchemy import create_engine
from sqlalchemy.orm import declarative_base, sessionmaker

URL = "sqlite:///app.db"
engine = create_engine(URL)
SessionLocal = sessionmaker(bind=engine)
Base = declarative_base()


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
"""
MODELS = """\
from sqlalchemy import Column, Integer, String

from app.database import Base


class User(Base):
    __tablename__ = "users"

    id = Column(Integer, primary_key=True)
    name = Column(String(50))
    hash = Column(String(200), default="")
"""
MAIN = """\
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

from app.database import get_db
from app.models import User

app = FastAPI()


@app.get("/users")
def users(db: Session = Depends(get_db)):
    return [user.name for user in db.query(User).order_by(User.id).all()]


@app.get("/users/count")
def count(db: Session = Depends(get_db)):
    return db.query(User).count()
"""
APP = {
    "pyproject.toml": "[project]\nname = 'app'\nversion = '0'\n",
    "app/__init__.py": "",
    "app/database.py": DATABASE,
    "app/models.py": MODELS,
    "app/main.py": MAIN,
}

SERVICE = {
    "app/service.py": """\
import hashlib

from sqlalchemy.orm import Session

from app.models import User


class Service:
    def __init__(self, db: Session):
        self.db = db


class Names(Service):
    def all(self):
        return [name for (name,) in self.db.query(User.name)]


class Users(Service):
    def _hash(self, password: str) -> str:
        return hashlib.scrypt(password.encode(), salt=b"salt", n=2, r=1, p=1).hex()

    def _find(self, name: str):
        return self.db.query(User).filter_by(name=name).first()

    def check(self, name: str, password: str) -> bool:
        user = self._find(name)
        return user is not None and user.hash == self._hash(password)
""",
    "app/main.py": MAIN.replace("app.models import User", "app.models import User\n").replace(
        "app = FastAPI()\n",
        "from app.service import Names, Users\n\napp = FastAPI()\n",
    )
    + """

@app.get("/names")
def names(db: Session = Depends(get_db)):
    return Names(db).all()


def get_users(db: Session = Depends(get_db)) -> Users:
    return Users(db)


@app.post("/login")
def login(name: str, users: Users = Depends(get_users)):
    return users.check(name, "secret")
""",
}
"""Slow work of an object that holds a session."""

SCRIPT = {
    "app/database.py": DATABASE
    + """

def with_session(function):
    def inner(*args):
        with SessionLocal() as session:
            return function(session, *args)

    return inner
""",
    "scripts/fill.py": """\
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from app.database import URL, Base
from app.models import User


def main():
    factory = sessionmaker(bind=create_engine(URL))
    with factory.begin() as session:
        session.add(User(name="Ada"))
        print(session.query(User).count())


if __name__ == "__main__":
    main()
""",
}
"""A factory that a script makes, beside one whose twin a decorator keeps using."""

SUITE = {
    "tests/__init__.py": "",
    "tests/helpers.py": "from app.database import SessionLocal\n",
    "tests/conftest.py": """\
import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from app.database import Base, get_db
from app.main import app

engine = create_engine("sqlite:///test.db")
TestingSessionLocal = sessionmaker(bind=engine)


def override_get_db():
    db = TestingSessionLocal()
    try:
        yield db
    finally:
        db.close()


app.dependency_overrides[get_db] = override_get_db


@pytest.fixture(autouse=True)
def tables():
    Base.metadata.create_all(engine)
    yield
    Base.metadata.drop_all(engine)
""",
    "tests/test_users.py": """\
from fastapi.testclient import TestClient

from app.main import app


def test_users():
    assert TestClient(app).get("/users").json() == []
""",
    "app/main.py": MAIN + "\n\nprint(next(get_db()))\n",
}
"""Tests with a factory of their own, one of which only imports that of the application."""

EXPORTED = {
    "app/core/__init__.py": "from app.database import get_db\n",
    "app/main.py": MAIN.replace("app.database import", "app.core import"),
}
"""A dependency that routes import from where it is not defined."""

RELATIVE = {
    "app/routes.py": """\
from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session

from .models import User
from .database import get_db
from . import models

router = APIRouter()


@router.get("/last")
def last(db: Session = Depends(get_db)):
    user = db.query(User).order_by(models.User.id.desc()).first()
    return user and user.name
""",
}
"""Relative imports that nobody has sorted."""


COMMAND = {
    "app/commands.py": """\
from functools import wraps

from app.database import SessionLocal
from app.models import User


def command(function=None, *, repeat=1):
    def decorator(function):
        @wraps(function)
        def decorated(*args, **options):
            db = SessionLocal()
            options["db"] = db
            try:
                for _ in range(repeat):
                    function(*args, **options)
            finally:
                db.commit()

        return decorated

    return decorator(function) if function else decorator


@command(repeat=2)
def add(name, db):
    db.add(User(name=name))
    db.flush()
    print(db.query(User).count())
""",
}
"""A decorator that opens sessions."""

FETCHED = {
    "app/commands.py": COMMAND["app/commands.py"]
    .replace("import SessionLocal", "import get_db")
    .replace("SessionLocal()", "next(get_db())"),
}
"""The same with the session of the dependency."""

BRANCHES = {
    "pyproject.toml": APP["pyproject.toml"]
    + "[tool.migrate-async]\nkeep-sync = ['app.report.report']\n",
    "app/database.py": DATABASE.replace(
        "from sqlalchemy", "import os\n\nfrom sqlalchemy", 1
    ).replace(
        'URL = "sqlite:///app.db"\nengine = create_engine(URL)\n',
        """\
URL = os.getenv("DATABASE_URL", "sqlite:///app.db")
if "pool" in URL:
    engine = create_engine(URL, pool_size=2)
else:
    engine = create_engine(URL)
""",
    ),
    "app/report.py": """\
from app.database import Base, SessionLocal, engine
from app.models import User


def report():
    Base.metadata.create_all(engine)
    with SessionLocal() as db:
        return db.query(User).count()
""",
}
"""An engine that is made in two branches, for something that stays sync for good."""

DICT = {
    "pyproject.toml": APP["pyproject.toml"]
    + "[tool.migrate-async]\nkeep-sync = ['app.search.Search.find']\n",
    "app/database.py": DATABASE.replace(
        "from sqlalchemy import create_engine\nfrom sqlalchemy.orm import",
        "from typing import Annotated\n\nfrom fastapi import Depends\n"
        "from sqlalchemy import create_engine\nfrom sqlalchemy.orm import Session,",
    )
    + """

DbSession = Annotated[Session, Depends(get_db)]


def parameters(db: DbSession, q: str = ""):
    return {"db": db, "q": q}


Parameters = Annotated[dict[str, DbSession | str], Depends(parameters)]
""",
    "app/search.py": """\
from app.models import User


class Search:
    def __init__(self, db):
        self.db = db

    def find(self, model, q):
        return [item.name for item in self.db.query(model).filter(model.name == q).all()]


def search(*, db, q):
    return Search(db).find(User, q)
""",
    "app/main.py": MAIN.replace("import get_db", "import Parameters, get_db").replace(
        "import User\n", "import User\nfrom app.search import search\n"
    )
    + """

@app.get("/search")
def find(common: Parameters):
    return search(db=common["db"], q=common["q"])
""",
}
"""A session that comes in a dict, beside other things, and goes where it is not annotated."""

GUARD = {
    "app/models.py": MODELS.replace("import Column, ", "import Column, ForeignKey, ").replace(
        "\n\nfrom app", "\nfrom sqlalchemy.orm import relationship\n\nfrom app"
    )
    + """\


class Post(Base):
    __tablename__ = "posts"

    id = Column(Integer, primary_key=True)
    user_id = Column(ForeignKey("users.id"))
    user = relationship("User")
""",
    "app/main.py": MAIN.replace("import User", "import Post, User").replace(
        "import Depends, FastAPI", "import Depends, FastAPI, HTTPException"
    )
    + """

def get_post(id: int, db: Session = Depends(get_db)) -> Post:
    return db.query(Post).filter(Post.id == id).first()


async def guard(name: str, post: Post = Depends(get_post)):
    if post.user.name != name:
        raise HTTPException(403)


@app.delete("/posts/{id}", dependencies=[Depends(guard)])
def delete(post: Post = Depends(get_post), db: Session = Depends(get_db)):
    db.delete(post)
    db.commit()
""",
    "tests/__init__.py": "",
    "tests/test_guard.py": """\
import pytest
from fastapi import HTTPException

from app.main import guard
from app.models import Post, User


@pytest.mark.asyncio
async def test_guard():
    post = Post(user=User(name="Ada"))
    await guard("Ada", post)
    with pytest.raises(HTTPException):
        await guard("Bob", post)
""",
}
"""A coroutine that awaits nothing but loads what it reads, and its test, which converts last."""

HANDED_ON = {
    "app/core/__init__.py": "from app.database import SessionLocal, engine\n",
    "app/names/__init__.py": "from ..database import *  # noqa: F403\n",
    "app/fill.py": """\
from app.core import SessionLocal, engine
from app.database import Base
from app.models import User


def fill():
    Base.metadata.create_all(bind=engine)
    with SessionLocal() as db:
        db.add(User(name="Ada"))
        db.commit()
        return [user.name for user in db.query(User).all()]
""",
    "app/count.py": """\
from app.names import *  # noqa: F403
from app.models import User


def count_users():
    with SessionLocal() as db:  # noqa: F405
        return db.query(User).count()
""",
}
"""Engines and factories that code which waits imports from where they are not made."""

ROUTER = {
    "pyproject.toml": APP["pyproject.toml"]
    + "[tool.migrate-async]\nkeep-sync = ['app.routes.first']\n",
    "app/core/__init__.py": EXPORTED["app/core/__init__.py"],
    "app/routes.py": """\
from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session

from app.core import get_db
from app.models import User

router = APIRouter()


@router.get("/first")
def first(db: Session = Depends(get_db)):
    return db.query(User).order_by(User.id).first().name


@router.get("/last")
def last(db: Session = Depends(get_db)):
    return db.query(User).order_by(User.id.desc()).first().name
""",
}
"""The same of a dependency, in a file where every route waits, one of them for good."""


@pytest.mark.parametrize(
    ("files", "first"),
    [
        (SERVICE, "POST /login"),
        (SERVICE, "GET /users"),
        (SCRIPT, "GET /users"),
        (SUITE, "GET /users"),
        (RELATIVE, "GET /users"),
        (COMMAND, "GET /users"),
        (EXPORTED, "GET /users"),
        (GUARD, "GET /users"),
        (HANDED_ON, "GET /users"),
        (ROUTER, "GET /users"),
        (FETCHED, "GET /users"),
        (BRANCHES, "GET /users"),
        (DICT, "GET /users"),
    ],
    ids=[
        *("login", "other", "script", "suite", "relative", "command", "exported", "guard"),
        *("handed on", "router", "fetched", "branches", "dict"),
    ],
)
def test_a_route_before_the_rest(files: dict[str, str], first: str, tmp_path: Path) -> None:
    once = written(tmp_path / "once", APP | files)
    write(once, "--all")
    steps = written(tmp_path / "steps", APP | files)
    write(steps, "--route", first)
    assert tree(steps) != tree(once)
    write(steps, "--all")
    assert tree(steps) == tree(once)
    done = tree(once)
    write(once, "--all")
    assert tree(once) == done


def test_slow_work_goes_to_a_thread(tmp_path: Path) -> None:
    app = written(tmp_path, APP | SERVICE)
    write(app, "--route", "POST /login")
    write(app, "--all")
    text = (app / "app/service.py").read_text()
    assert "user.hash == await run_in_threadpool(self._hash, password)" in text


RUN_COMMAND = """\
from app import commands, database

database.Base.metadata.create_all(getattr(database, "sync_engine", database.engine))
commands.add("Ada")
"""


def test_a_function_in_another_keeps_its_session(tmp_path: Path) -> None:
    """The outer one only hands it on; the sync factory is of the inner one."""
    app = written(tmp_path, APP | COMMAND)
    legacy = printed_anew(app, RUN_COMMAND)
    write(app, "--route", "GET /users")
    write(app, "--all")
    assert printed_anew(app, RUN_COMMAND) == legacy == "1\n2\n"


KEPT_SOURCE = {
    "pyproject.toml": APP["pyproject.toml"]
    + "[tool.migrate-async]\nkeep-sync = ['app.deps.get_db']\n",
    "app/database.py": DATABASE.partition("\n\ndef get_db")[0],
    "app/deps.py": "from app.database import SessionLocal\n\n\ndef get_db"
    + DATABASE.partition("def get_db")[2],
    "app/models.py": MODELS.replace("import Column, ", "import Column, ForeignKey, ").replace(
        "\n\nfrom app", "\nfrom sqlalchemy.orm import relationship\n\nfrom app"
    )
    + """\
    posts = relationship("Post")


class Post(Base):
    __tablename__ = "posts"

    id = Column(Integer, primary_key=True)
    user_id = Column(ForeignKey("users.id"))
""",
    "app/main.py": MAIN.replace("app.database import", "app.deps import").replace(
        "import User", "import Post, User"
    )
    + """

class Printer:
    def __init__(self, user: User):
        self.user = user

    def posts(self):
        return [post.id for post in self.user.posts]


@app.post("/posts")
def add():
    with SessionLocal() as db:
        printer = Printer(db.query(User).first())
        db.add(Post(user_id=1))
        db.commit()
        return printer.posts()
""".replace(
        "class Printer", "from app.database import SessionLocal  # noqa: E402\n\n\nclass Printer"
    ),
}
"""A dependency that stays sync; an object whose reader waits in a thread, on sessions that hop."""
ADD_POSTS = """\
from fastapi.testclient import TestClient

from app import database, models
from app.main import app

database.Base.metadata.create_all(getattr(database, "sync_engine", database.engine))
with getattr(database, "SyncSessionLocal", database.SessionLocal)() as db:
    db.add(models.User(id=1, name="Ada"))
    db.commit()
with TestClient(app) as client:
    print([client.post("/posts").json() for _ in range(2)], client.get("/users").json())
"""


def test_rows_that_come_later_are_in_what_an_object_keeps(tmp_path: Path) -> None:
    app = written(tmp_path, APP | KEPT_SOURCE)
    legacy = printed_anew(app, ADD_POSTS)
    write(app, "--all")
    assert printed_anew(app, ADD_POSTS) == legacy == "[[1], [1, 2]] ['Ada']\n"
    done = tree(app)
    write(app, "--all")
    assert tree(app) == done
    assert "await run_in_threadpool(printer.posts)" in (app / "app/main.py").read_text()


DELETE_POSTS = """\
from fastapi.testclient import TestClient

from app import database, models
from app.main import app

database.Base.metadata.create_all(getattr(database, "sync_engine", database.engine))
with getattr(database, "SyncSessionLocal", database.SessionLocal)() as db:
    db.add_all([models.User(id=1, name="Ada"), models.Post(id=1, user_id=1)])
    db.commit()
with TestClient(app) as client:
    print([client.delete("/posts/1", params={"name": name}).status_code for name in ("Bob", "Ada")])
"""


def test_a_coroutine_that_waits_may_load_what_it_reads(tmp_path: Path) -> None:
    """It stays a coroutine for the tests that await it, and for the run that converts it."""
    app = written(tmp_path, APP | GUARD | {"app/database.py": DATABASE + KEPT_SESSIONS})
    legacy = printed_anew(app, DELETE_POSTS)
    write(app, "--route", "GET /users")
    assert "@implicit_io\nasync def guard" in (app / "app/main.py").read_text()
    assert printed_anew(app, DELETE_POSTS) == legacy == "[403, 200]\n"


KEPT_SESSIONS = """

def is_up():
    with SessionLocal() as db:
        return db.connection().closed is False
"""
"""Something that goes on needing the sync factory."""

FILL = """\
from app import count, fill, models, query

print(fill.fill(), count.count_users(), query.hello()(models.User).count())
"""


def test_sources_that_come_by_way_of_other_modules_have_a_sync_side(tmp_path: Path) -> None:
    by_module = "from app import core\n\n\ndef hello():\n    return core.SessionLocal().query"
    app = written(tmp_path, APP | HANDED_ON | {"app/query.py": by_module})
    legacy = printed_anew(app, FILL)
    write(app, "--route", "GET /users")
    assert printed_anew(app, FILL) == legacy == "['Ada'] 1 1\n"
    write(app, "--all")
    assert "async with SessionLocal() as db:" in (app / "app/fill.py").read_text()
    assert "async with SessionLocal() as db:" in (app / "app/count.py").read_text()


SEARCH = """\
from fastapi.testclient import TestClient

from app import database, models
from app.main import app

database.Base.metadata.create_all(getattr(database, "sync_engine", database.engine))
with getattr(database, "SyncSessionLocal", database.SessionLocal)() as db:
    db.add(models.User(name="Ada"))
    db.commit()
with TestClient(app) as client:
    print([client.get("/search", params={"q": q}).json() for q in ("Ada", "Bob")])
"""


def test_a_dict_gives_the_session_that_what_takes_it_works_on(tmp_path: Path) -> None:
    """Other values of the dict are none, though the annotation does not tell them apart."""
    files = APP | DICT | {"app/database.py": DICT["app/database.py"] + KEPT_SESSIONS}
    files["pyproject.toml"] = files["pyproject.toml"].replace("= [", "= ['app.database.is_up', ")
    app = written(tmp_path, files)
    legacy = printed_anew(app, SEARCH)
    write(app, "--route", "GET /users")
    assert printed_anew(app, SEARCH) == legacy == "[['Ada'], []]\n"
    write(app, "--all")
    assert printed_anew(app, SEARCH) == legacy
