"""Helpers that change an object and know no session: `apply(user, body)`, `user.rename(name)`.

The commit below them expired what they had changed, and the response read what the database had
made of it. Executed before the migration, after all of it and after each single route.
"""

from __future__ import annotations

from pathlib import Path

from migrate_async.model.selection import EVERYTHING, Selection
from support.http_sequence import replay
from support.migration import tree
from support.route_by_route import migrate, routes_of

_APPLICATION = """\
import os

from fastapi import Depends, FastAPI
from pydantic import BaseModel
from sqlalchemy import Column, Integer, String, create_engine, func
from sqlalchemy.orm import Session, declarative_base, sessionmaker

engine = create_engine(os.environ["DATABASE_URL"])
SessionLocal = sessionmaker(engine)
Base = declarative_base()
app = FastAPI()


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(String)
    upper = Column(String, onupdate=func.upper("changed"))

    def rename(self, name):
        self.name = name

    def rename_all(self, name):
        self.rename(name)


class UserOut(BaseModel):
    id: int
    name: str
    upper: str | None


def get_db():
    with SessionLocal() as db:
        yield db


Base.metadata.create_all(engine)


def some_user(number: int, db: Session = Depends(get_db)) -> User:
    return db.get(User, number)


def fill(instance: Base, values: dict):
    for key, value in values.items():
        setattr(instance, key, value)


def write(user, name: str):
    user.name = name


def write_later(name: str, user: User):
    write(user, name=name)


class Renamer:
    def __init__(self, name: str):
        self.name = name

    def rename(self, user: User):
        write_later(self.name, user=user)


def save(db: Session):
    db.commit()


def save_it(db: Session, user: User):
    db.add(user)
    save(db)


def save_and_refresh(db: Session, user: User):
    db.commit()
    db.refresh(user)


def touch(db: Session, user: User):
    user.name = "touched"
    db.commit()


def remove(db: Session, user: User):
    db.delete(user)
    db.commit()


def update(db: Session, user: User, name: str) -> User:
    fill(user, {"name": name})
    db.commit()
    return user


@app.post("/users/{number}")
def add(number: int, db: Session = Depends(get_db)):
    db.add(User(id=number, name="new"))
    db.commit()


@app.post("/filled/{number}", response_model=UserOut)
def filled(user: User = Depends(some_user), db: Session = Depends(get_db)):
    return update(db, user, "filled")


@app.post("/written/{number}", response_model=UserOut)
def written(user: User = Depends(some_user), db: Session = Depends(get_db)):
    write(user, "written")
    db.commit()
    return user


@app.post("/written-later/{number}", response_model=UserOut)
def written_later(number: int, db: Session = Depends(get_db)):
    user = db.get(User, number)
    write_later("later", user)
    db.commit()
    return user


@app.post("/renamed/{number}", response_model=UserOut)
def renamed(user: User = Depends(some_user), db: Session = Depends(get_db)):
    user.rename("renamed")
    db.commit()
    return user


@app.post("/renamed-all/{number}", response_model=UserOut)
def renamed_all(number: int, db: Session = Depends(get_db)):
    user = db.query(User).filter(User.id == number).one()
    user.rename_all("all")
    db.commit()
    return user


@app.post("/by-object/{number}", response_model=UserOut)
def by_object(user: User = Depends(some_user), db: Session = Depends(get_db)):
    Renamer("object").rename(user)
    db.commit()
    return user


@app.post("/saved/{number}", response_model=UserOut)
def saved(user: User = Depends(some_user), db: Session = Depends(get_db)):
    user.name = "saved"
    save(db)
    return user


@app.post("/saved-later/{number}", response_model=UserOut)
def saved_later(user: User = Depends(some_user), db: Session = Depends(get_db)):
    write(user, "saved later")
    save(db)
    return user


@app.post("/given/{number}", response_model=UserOut)
def given(user: User = Depends(some_user), db: Session = Depends(get_db)):
    user.name = "given"
    save_it(db, user)
    return user


@app.post("/touched/{number}", response_model=UserOut)
def touched(user: User = Depends(some_user), db: Session = Depends(get_db)):
    touch(db, user)
    return user


@app.post("/refreshed/{number}", response_model=UserOut)
def refreshed(user: User = Depends(some_user), db: Session = Depends(get_db)):
    user.name = "refreshed"
    save_and_refresh(db, user)
    return user


@app.post("/deleted/{number}")
def deleted(user: User = Depends(some_user), db: Session = Depends(get_db)):
    user.name = "deleted"
    db.delete(user)
    db.commit()
    return user.name


@app.post("/deleted-later/{number}")
def deleted_later(user: User = Depends(some_user), db: Session = Depends(get_db)):
    write(user, "deleted later")
    remove(db, user)
    return user.name


@app.post("/not-changed/{number}", response_model=UserOut)
def not_changed(user: User = Depends(some_user), db: Session = Depends(get_db)):
    label(user, "x")
    db.commit()
    return user


def label(user: User, text: str):
    return user.name + text
"""
_ROUTES = (
    *("filled", "written", "written-later", "renamed", "renamed-all", "by-object"),
    *("saved", "saved-later", "given", "touched", "refreshed", "not-changed"),
)
_DELETING = ("deleted", "deleted-later")
_REQUESTS = [
    {"name": f"{name} {number}", "method": "POST", "path": f"/{what}/{number}"}
    for number, name in enumerate((*_ROUTES, *_DELETING), start=1)
    for what in ("users", name)
]


def _write(folder: Path) -> Path:
    folder.mkdir()
    (folder / "main.py").write_text(_APPLICATION, encoding="utf-8")
    return folder


def test_helpers_change_objects(tmp_path: Path) -> None:
    """Each route alone answers as before; in any order they end with the files of one run."""
    folder = _write(tmp_path / "app")
    expected = replay(folder, _REQUESTS, app="main:app")
    assert not [answer for answer in expected if answer["status"] != 200]
    told = [answer["json"]["upper"] for answer in expected[1:-4:2]]
    assert told == ["CHANGED"] * (len(_ROUTES) - 1) + [None]
    migrate(folder, EVERYTHING)
    assert replay(folder, _REQUESTS, app="main:app") == expected
    done = tree(folder)
    migrate(folder, EVERYTHING)
    assert tree(folder) == done
    gradual = _write(tmp_path / "gradual")
    for route in routes_of(gradual):
        migrate(gradual, Selection(routes=(route,)))
        assert replay(gradual, _REQUESTS, app="main:app") == expected, route
    migrate(gradual, EVERYTHING)
    assert tree(gradual) == done
