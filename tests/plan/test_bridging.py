"""Bridges: each way to call what stays sync, executed, and taken down to the text it came from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from migrate_async.config import Settings
from migrate_async.model.plan import Step
from migrate_async.model.selection import EVERYTHING, Selection
from migrate_async.plan.planner import make_plan
from migrate_async.rewrite.engine import rewrite_text
from support.http_sequence import replay
from support.projects import project

DATABASE = """
import os

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
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
"""

MAIN = """
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

from app.database import Base, User, engine, get_db

app = FastAPI()


@app.on_event("startup")
def create():
    Base.metadata.create_all(engine)


def find(db: Session, id: int):
    user = db.get(User, id)
    if user is None:
        user = User(id=id, name=f"user {id}")
        db.add(user)
        db.commit()
    return user


def rename(user, name, db: Session):
    user.name = name
    db.commit()
    return user


def again(db: Session, user):
    return db.get(User, user.id)


class Namer:
    def __init__(self, name):
        self.name = name

    def write(self, user, db: Session):
        user.name = self.name + user.name
        db.commit()
        return user.name


def namer(user, db: Session):
    return Namer(find(db, user.id + 1).name)


@app.get("/one")
def one(name: str, db: Session = Depends(get_db)):
    session = len(name)
    seen = [
        rename(find(db, 1), name.upper(), db=db).name,
        rename(find(db, 2), name, db).name,
        rename(name=db.query(User).filter(User.id == 1).first().name, user=find(db, 3), db=db).name,
        again(db=db, user=find(db, 2)).name,
        again(db, find(db, 2)).name,
        namer(find(db, 1), db).write(find(db, 2), db=db),
        rename(find(db, session), str(session), db=db).name,
    ]
    return [*seen, len(db.query(User).all())]


@app.get("/two")
def two(name: str, db: Session = Depends(get_db)):
    user = find(db, 1)
    seen = [namer(user, db=db).write(user, db), again(db=db, user=user).name]
    return [*seen, rename(user, name, db=db).name, len(db.query(User).all())]
"""

FILES = {"app/__init__.py": "", "app/database.py": DATABASE, "app/main.py": MAIN}

LAZY_DATABASE = (
    DATABASE.replace("Column, Integer", "Column, ForeignKey, Integer")
    .replace("base, sessionmaker", "base, relationship, sessionmaker")
    .replace(
        "    name = Column(String)\n",
        """\
    name = Column(String)
    posts = relationship("Post", back_populates="author")


class Post(Base):
    __tablename__ = "posts"
    id = Column(Integer, primary_key=True)
    title = Column(String)
    author_id = Column(Integer, ForeignKey("users.id"))
    author = relationship("User", back_populates="posts")
""",
    )
)

LAZY_MAIN = """
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

from app.database import Base, Post, User, engine, get_db

app = FastAPI()


@app.on_event("startup")
def create():
    Base.metadata.create_all(engine)
    with Session(engine) as db:
        for number in range(3):
            db.add(User(name=f"u{number}", posts=[Post(title=f"p{number}")]))
        db.commit()


def find(db: Session, id: int):
    return db.get(User, id)


def wrapped(id, db: Session):
    user = find(db, id)
    return user


def everyone(db: Session):
    return db.query(User).order_by(User.id).all()


def pair(db: Session):
    return find(db, 1), find(db, 2)


def by_name(db: Session):
    return {user.name: user for user in everyone(db)}


class Box:
    def __init__(self, user):
        self.user = user


def boxed(db: Session):
    return Box(find(db, 3))


def titles(user):
    return [post.title for post in user.posts]


@app.get("/one")
def one(db: Session = Depends(get_db)):
    user = find(db, 1)
    a, b = pair(db)
    found = by_name(db)
    box = boxed(db)
    other = wrapped(2, db=db)
    return [
        [post.title for post in user.posts],
        [len(u.posts) for u in everyone(db)],
        other.posts[0].author.name,
        titles(a), [p.title for p in b.posts],
        len(found["u1"].posts), box.user.posts[0].title,
        max(everyone(db), key=lambda u: len(u.posts)).name,
        "".join(p.title for u in everyone(db) for p in u.posts),
    ]


@app.get("/two")
def two(db: Session = Depends(get_db)):
    names = [find(db, 1).name, wrapped(1, db).name, boxed(db).user.name, *by_name(db)]
    return [names, len(everyone(db)), len(pair(db))]
"""

LAZY_FILES = {"app/__init__.py": "", "app/database.py": LAZY_DATABASE, "app/main.py": LAZY_MAIN}

GIVEN_MAIN = """
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

from app import database
from app.database import Base, SessionLocal, User, engine, get_db

app = FastAPI()


@app.on_event("startup")
def create():
    Base.metadata.create_all(engine)
    add("first", SessionLocal())
    add("second", db=database.SessionLocal())
    add("third", db=Session(engine))


def names(db: Session):
    return [name for (name,) in db.query(User.name).order_by(User.id)]


def add(name, db: Session):
    db.add(User(name=name))
    db.commit()


def never(db: Session):
    return next(iter(names(db)))


@app.get("/one")
def one(name: str, db: Session = Depends(get_db)):
    add(name, Session(bind=engine))
    return [names(next(get_db())), never(next(get_db())), db.query(User).count()]


@app.get("/two")
def two(name: str, db: Session = Depends(get_db)):
    add(name, db)
    with Session(engine) as own, database.SessionLocal() as second:
        own.add(User(name="own"))
        own.commit()
        return [names(db), never(db), second.query(User).count()]


@app.get("/three")
def three(name: str):
    db = Session(bind=database.engine)
    try:
        return db.query(User).count()
    finally:
        db.close()
"""

GIVEN_FILES = {"app/__init__.py": "", "app/database.py": DATABASE, "app/main.py": GIVEN_MAIN}
GIVEN_SCRIPT = """
from app.database import SessionLocal
from app.main import add, names

if __name__ == "__main__":
    db = SessionLocal()
    add("of the script", db)
    print(names(db))
"""
REQUESTS: list[dict[str, Any]] = [
    {"method": "GET", "path": "/one?name=ada"},
    {"method": "GET", "path": "/two?name=bob"},
    {"method": "GET", "path": "/one?name=eve"},
]
GIVEN_REQUESTS = [*REQUESTS, {"method": "GET", "path": "/three?name=eve"}]


def migrated(files: dict[str, str], selection: Selection) -> dict[str, str]:
    plan = make_plan(project(files), Step.ALL, Settings(), selection)
    changed = {file.path: file for file in plan.files}
    return {
        path: rewrite_text(changed[path], text, 100) if path in changed else text
        for path, text in files.items()
    }


def answers(
    files: dict[str, str], folder: Path, requests: Sequence[dict[str, Any]] = REQUESTS
) -> list[dict[str, Any]]:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    found = replay(folder, requests, app="app.main:app")
    assert {answer["status"] for answer in found} == {200}
    return found


@pytest.mark.parametrize(("first", "second"), [("/one", "/two"), ("/two", "/one")])
@pytest.mark.parametrize("files", [FILES, LAZY_FILES], ids=["calls", "lazy results"])
def test_bridged_calls_do_the_same_and_leave_no_trace(
    files: dict[str, str], first: str, second: str, tmp_path: Path
) -> None:
    """Each way to call, and what is read lazily of objects, lists, tuples that a bridge gave."""
    legacy = answers(files, tmp_path / "legacy")
    halfway = migrated(files, Selection(routes=(f"GET {first}",)))
    assert "run_sync(" in halfway["app/main.py"]
    assert answers(halfway, tmp_path / "halfway") == legacy
    done = migrated(halfway, Selection(routes=(f"GET {second}",)))
    assert done == migrated(files, EVERYTHING)
    assert answers(done, tmp_path / "done") == legacy


@pytest.mark.parametrize(("first", "second"), [("/one", "/two"), ("/two", "/one")])
def test_sessions_opened_in_a_bridged_call_are_sync(
    first: str, second: str, tmp_path: Path
) -> None:
    """`add("first", SessionLocal())`: nobody else uses that session.

    What waits for its turn on a sync engine, `with Session(sync_engine)`, gets the other back.
    """
    legacy = answers(GIVEN_FILES, tmp_path / "legacy", GIVEN_REQUESTS)
    halfway = migrated(GIVEN_FILES, Selection(routes=(f"GET {first}",)))
    assert answers(halfway, tmp_path / "halfway", GIVEN_REQUESTS) == legacy
    assert migrated(halfway, Selection(routes=(f"GET {first}",))) == halfway
    later = migrated(halfway, Selection(routes=(f"GET {second}",)))
    assert answers(later, tmp_path / "later", GIVEN_REQUESTS) == legacy
    done = migrated(later, EVERYTHING)
    assert done == migrated(GIVEN_FILES, EVERYTHING)
    assert answers(done, tmp_path / "done", GIVEN_REQUESTS) == legacy


def test_sessions_opened_for_what_a_script_keeps_sync(tmp_path: Path) -> None:
    """The same where the functions stay sync for good."""
    files = {**GIVEN_FILES, "script.py": GIVEN_SCRIPT}
    done = migrated(files, EVERYTHING)
    text = done["app/main.py"]
    assert 'await run_in_threadpool(add, "first", SyncSessionLocal())' in text
    assert 'await run_in_threadpool(add, "second", db=database.SyncSessionLocal())' in text
    assert 'await run_in_threadpool(add, "third", db=Session(sync_engine))' in text
    assert "await run_in_threadpool(names, SyncSessionLocal())" in text
    assert migrated(done, EVERYTHING) == done
    assert answers(done, tmp_path / "done", GIVEN_REQUESTS) == answers(
        GIVEN_FILES, tmp_path / "legacy", GIVEN_REQUESTS
    )


@pytest.mark.parametrize(
    "expected",
    [
        # What is awaited is evaluated before, and with it whatever else is called.
        "lambda session_2, argument, argument_2: rename(argument, argument_2, db=session_2)",
        "lambda session, argument: rename(argument, name, session)",
        "lambda session, user: again(db=session, user=user), await db.run_sync(find, 2)",
        "await db.run_sync(again, await db.run_sync(find, 2))",
    ],
)
def test_how_bridges_look(expected: str) -> None:
    text = migrated(FILES, Selection(routes=("GET /one",)))["app/main.py"]
    joined = " ".join(text.split()).replace("( ", "(").replace(", )", ")")
    assert expected in joined
