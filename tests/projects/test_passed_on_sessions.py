"""Dependencies that others pass on by `yield from`, or enter: `contextmanager(get_db)()`."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import command, printed_anew, tree, write, written

DATABASE = """\
from collections.abc import Generator

from sqlalchemy import Column, Integer, String, create_engine
from sqlalchemy.orm import Session, declarative_base, sessionmaker

engine = create_engine("sqlite:///app.db")
SessionLocal = sessionmaker(bind=engine)
Base = declarative_base()
closed = []


class User(Base):
    __tablename__ = "users"

    id = Column(Integer, primary_key=True)
    name = Column(String)


def get_session(autoflush: bool = True) -> Generator[Session, None, None]:
    session = SessionLocal(autoflush=autoflush)
    try:
        yield session
        session.commit()
    finally:
        session.close()
        closed.append(autoflush)


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


def get_counted():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
        closed.append("counted")
"""
PASSING = {
    "app/__init__.py": "",
    "app/database.py": DATABASE,
    "app/deps.py": """\
from collections.abc import Generator

from sqlalchemy.orm import Session

from app.database import get_session


def get_db() -> Generator[Session, None, None]:
    # The database of the application.
    yield from get_session()  # with its commit


def get_quiet(quiet: bool = True):
    if quiet:
        yield from get_session(autoflush=False)
    else:
        yield from get_session()
""",
    "app/main.py": """\
from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy.orm import Session

from app.database import User, closed
from app.deps import get_db, get_quiet

app = FastAPI()


@app.get("/users")
def users(db: Session = Depends(get_db)):
    return [user.name for user in db.query(User).order_by(User.id)]


@app.post("/users")
def add(name: str, db: Session = Depends(get_db)):
    db.add(User(name=name))
    db.flush()
    if name == "Bob":
        raise HTTPException(400, "no")
    return db.query(User).count()


@app.post("/quiet")
def quiet(name: str, db: Session = Depends(get_quiet)):
    db.add(User(name=name))
    return db.query(User).count()


@app.get("/closed")
def told():
    return closed
""",
}
PASSING_ANSWERS = """\
1 {'detail': 'no'} 1
['Ada', 'Eve'] 3
[True, True, False, True, True]
"""
PASSING_DRIVE = """\
from fastapi.testclient import TestClient

from app import database
from app.main import app

database.Base.metadata.create_all(getattr(database, "sync_engine", None) or MAKE)
with TestClient(app) as client:
    def post(path, **params):
        return client.post(path, params=params).json()

    print(post("/users", name="Ada"), post("/users", name="Bob"), post("/quiet", name="Eve"))
    print(client.get("/users").json(), post("/quiet", name="Ann", quiet=False))
    print(client.get("/closed").json())
""".replace("MAKE", '__import__("sqlalchemy").create_engine("sqlite:///app.db")')


@pytest.fixture(scope="module")
def passing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    app = written(tmp_path_factory.mktemp("passing"), PASSING)
    assert printed_anew(app, PASSING_DRIVE) == PASSING_ANSWERS
    write(app, "--all")
    return app


def test_a_session_that_is_passed_on_is_entered(passing: Path) -> None:
    assert printed_anew(passing, PASSING_DRIVE) == PASSING_ANSWERS
    text = (passing / "app/deps.py").read_text()
    assert (
        """\
async def get_db() -> AsyncGenerator[AsyncSession, None]:
    # The database of the application.
    async with asynccontextmanager(get_session)() as db:  # with its commit
        yield db
"""
        in text
    )
    assert "async with asynccontextmanager(get_session)(autoflush=False) as db:" in text
    assert command(passing, "verify").stdout == "Nothing found.\n"


@pytest.mark.parametrize("first", ["GET /users", "POST /users", "POST /quiet"])
def test_route_by_route(first: str, passing: Path, tmp_path: Path) -> None:
    app = written(tmp_path, PASSING)
    write(app, "--route", first)
    assert printed_anew(app, PASSING_DRIVE) == PASSING_ANSWERS
    write(app, "--all")
    assert tree(app) == tree(passing)


@pytest.mark.parametrize(
    "statement",
    [
        "found = yield from get_session()\n    return found",
        "yield from get_session(**{'autoflush': True})",
    ],
)
def test_what_is_no_passing_on_stays(statement: str, tmp_path: Path) -> None:
    deps = PASSING["app/deps.py"].replace("yield from get_session()  # with its commit", statement)
    app = written(tmp_path, {**PASSING, "app/deps.py": deps})
    before = printed_anew(app, PASSING_DRIVE)
    write(app, "--all")
    assert printed_anew(app, PASSING_DRIVE) == before


ENTERING = {
    "app/__init__.py": "",
    "app/database.py": DATABASE,
    "app/main.py": """\
import contextlib
from contextlib import contextmanager

from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

from app import database
from app.database import User, get_db

app = FastAPI()


@app.get("/users")
def users(db: Session = Depends(get_db)):
    return [user.name for user in db.query(User).order_by(User.id)]


def count_users() -> int:
    with contextmanager(get_db)() as db:
        return db.query(User).count()


@app.get("/count")
def count():
    return count_users()


@app.post("/users")
def add(name: str):
    with contextlib.contextmanager(database.get_db)() as session:
        session.add(User(name=name))
        session.commit()
    return name
""",
    "app/commands.py": """\
import contextlib

import click

from app.database import User


@click.command()
def users():
    from app.database import get_db

    with contextlib.contextmanager(get_db)() as db:
        for user in db.query(User):
            print(user.name)
""",
}
ENTERING_DRIVE = """\
from fastapi.testclient import TestClient

from app import commands, database
from app.main import app

database.Base.metadata.create_all(getattr(database, "sync_engine", database.engine))
with TestClient(app) as client:
    print(client.post("/users", params={"name": "Ada"}).json(), client.get("/users").json())
    print(client.get("/count").json())
commands.users.callback()
print(client.get("/count").json(), database.closed)
"""
ENTERING_ANSWERS = "Ada ['Ada']\n1\nAda\n1 []\n"


@pytest.fixture(scope="module")
def entering(tmp_path_factory: pytest.TempPathFactory) -> Path:
    app = written(tmp_path_factory.mktemp("entering"), ENTERING)
    assert printed_anew(app, ENTERING_DRIVE) == ENTERING_ANSWERS
    write(app, "--all")
    return app


def test_a_dependency_that_is_entered_is_its_factory(entering: Path) -> None:
    assert printed_anew(entering, ENTERING_DRIVE) == ENTERING_ANSWERS
    main = (entering / "app/main.py").read_text()
    assert "async def count_users() -> int:\n    async with SessionLocal() as db:" in main
    assert "async def add(name: str, session: AsyncSession = Depends(get_db)):" in main
    assert "contextmanager(" not in main
    commands = (entering / "app/commands.py").read_text()
    assert "    from app.database import SyncSessionLocal as SessionLocal\n" in commands
    assert "with SessionLocal() as db:" in commands
    assert command(entering, "verify").stdout == "Nothing found.\n"


@pytest.mark.parametrize("first", ["GET /users", "GET /count", "POST /users"])
def test_entered_route_by_route(first: str, entering: Path, tmp_path: Path) -> None:
    app = written(tmp_path, ENTERING)
    write(app, "--route", first)
    assert printed_anew(app, ENTERING_DRIVE) == ENTERING_ANSWERS
    write(app, "--all")
    assert tree(app) == tree(entering)


def test_what_does_more_than_close_is_entered_as_before(tmp_path: Path) -> None:
    """Nothing else would count: the dependency stays sync, with its routes."""
    files = {path: text.replace("get_db", "get_counted") for path, text in ENTERING.items()}
    app = written(tmp_path, {**files, "app/database.py": DATABASE})
    before = printed_anew(app, ENTERING_DRIVE)
    write(app, "--all")
    assert printed_anew(app, ENTERING_DRIVE) == before
    assert "contextmanager(get_counted)()" in (app / "app/main.py").read_text()


_TAKEN = {
    "database.py": """\
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker(bind=create_engine("sqlite://"))


def get_session():
    with SessionLocal() as session:
        yield session
""",
    "deps.py": """\
from database import get_session


def session_of_request():
    return next(get_session())
""",
    "main.py": """\
from deps import session_of_request
from fastapi import Depends, FastAPI
from sqlalchemy import text
from sqlalchemy.orm import Session

app = FastAPI()


@app.get("/one")
def one(session: Session = Depends(session_of_request)):
    return session.execute(text("select 1")).scalar()
""",
    "other.py": "from deps import get_session\n\nNAMES = [get_session.__name__]\n",
}


def test_an_import_that_others_take_from_there_stays(tmp_path: Path) -> None:
    use = (
        "from fastapi.testclient import TestClient\nfrom main import app\nimport other\n"
        "print(TestClient(app).get('/one').text, other.NAMES)"
    )
    before = printed_anew(written(tmp_path, _TAKEN), use)
    assert "1 ['get_session']" in before
    write(tmp_path, "--all")
    assert "next(get_session())" not in (tmp_path / "deps.py").read_text()
    assert ", get_session\n" in (tmp_path / "deps.py").read_text()
    assert printed_anew(tmp_path, use) == before
