"""Objects that keep a session, and make others with it of which something stays sync."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import command, printed_anew, tree, write, written

MAIN = """\
from fastapi import Depends, FastAPI
from sqlalchemy import Column, Integer, String, create_engine
from sqlalchemy.orm import Session, declarative_base, sessionmaker

engine = create_engine("sqlite:///app.db")
SessionLocal = sessionmaker(engine)
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


class Users:
    def __init__(self, db):
        self.db = db

    def __len__(self):
        return self.db.query(User).count()

    def names(self):
        return [user.name for user in self.db.query(User).order_by(User.id)]


app = FastAPI()


@app.post("/fill")
def fill(db: Session = Depends(get_db)):
    db.add(User(name="Ada"))
    db.commit()
"""
BY_PROPERTY = """\


class Repositories:
    def __init__(self, db):
        self._db = db

    @property
    def users(self):
        return Users(self._db)


def get_repositories(db: Session = Depends(get_db)) -> Repositories:
    return Repositories(db)


@app.get("/names")
def names(found: Repositories = Depends(get_repositories)):
    return found.users.names()
"""
BY_METHOD = """\


class Repositories:
    def __init__(self, db):
        self._db = db

    def users(self):
        return Users(self._db)


@app.get("/names")
def names(db: Session = Depends(get_db)):
    return Repositories(db).users().names()
"""
BESIDE_QUERIES = """\


class Repositories:
    def __init__(self, db: Session):
        self.db = db

    @property
    def users(self):
        return Users(self.db)

    def total(self):
        return self.db.query(User).count()


@app.get("/names")
def names(db: Session = Depends(get_db)):
    found = Repositories(db)
    return [found.users.names(), found.total(), len(found.users)]
"""
DRIVE = """\
from fastapi.testclient import TestClient

import main
from sqlalchemy import create_engine

tables = create_engine("sqlite:///app.db")
main.Base.metadata.create_all(tables)
tables.dispose()
with TestClient(main.app) as client:
    for method, path in (("POST", "/fill"), ("GET", "/names")):
        print(client.request(method, path).text)
"""


@pytest.mark.parametrize(
    "made",
    [BY_PROPERTY, BY_METHOD, BESIDE_QUERIES],
    ids=["by a property", "by a method", "beside queries of its own"],
)
def test_these_get_the_sync_side(made: str, tmp_path: Path) -> None:
    app = written(tmp_path, {"main.py": MAIN + made})
    before = printed_anew(app, DRIVE)
    assert "Ada" in before
    write(app, "--all")
    assert printed_anew(app, DRIVE) == before
    assert command(app, "verify").returncode == 0
    done = tree(app)
    write(app, "--all")
    assert tree(app) == done
