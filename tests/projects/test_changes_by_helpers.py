"""Helpers that change an object and know no session: `apply(user, body)`, `user.rename(name)`.

The commit below them expired what they had changed, and the response read what the database had
made of it. Executed before the migration, after all of it and after each single route.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.config import Settings
from migrate_async.model.plan import Step
from migrate_async.model.selection import EVERYTHING, Selection
from migrate_async.plan.planner import make_plan
from support.http_sequence import replay
from support.migration import tree
from support.projects import project
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


class Member(Base):
    __tablename__ = "members"
    id = Column(Integer, primary_key=True)
    name = Column(String)
    upper = Column(String, onupdate=func.upper("changed"))


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
    db.add_all([User(id=number, name="new"), Member(id=number, name="new")])
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


@app.post("/listed/{number}", response_model=list[UserOut])
def listed(number: int, db: Session = Depends(get_db)):
    users = db.query(Member).filter(Member.id == number).all()
    for user in users:
        user.name = "listed"
    db.commit()
    return users


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
_OTHERS = ("deleted", "deleted-later", "listed")
_REQUESTS = [
    {"name": f"{name} {number}", "method": "POST", "path": f"/{what}/{number}"}
    for number, name in enumerate((*_ROUTES, *_OTHERS), start=1)
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
    told = [answer["json"]["upper"] for answer in expected[1:-6:2]]
    assert told == ["CHANGED"] * (len(_ROUTES) - 1) + [None]
    assert expected[-1]["json"][0]["upper"] == "CHANGED"
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


_LOOSE = {
    "in a loop": "for each in db.query(User):\n        each.name = 'x'",
    "of a list": "users[0].name = 'x'",
    "of another object": "user.friend.name = 'x'",
    "in a comprehension": "[setattr(each, 'name', 'x') for each in users]",
    "of what self keeps": "Renamer(user).rename()",
}
_MODELS = """\
from fastapi import Depends, FastAPI
from sqlalchemy import JSON, Column, ForeignKey, Integer, String, create_engine, func
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import Session, declarative_base, relationship, sessionmaker

engine = create_engine(URL)
SessionLocal = sessionmaker(engine)
Base = declarative_base()
app = FastAPI()


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(String)
    data = Column(MutableDict.as_mutable(JSON), default=dict)
    upper = Column(String, onupdate=func.upper("changed"))
    friend_id = Column(ForeignKey("users.id"))
    friend = relationship("User", remote_side=id)


class Renamer:
    def __init__(self, user: User):
        self.user = user

    def rename(self):
        self.user.name = "x"


def get_db():
    with SessionLocal() as db:
        yield db


@app.post("/")
def change(db: Session = Depends(get_db)):
    users = db.query(User).all()
    user = users[0]
    CHANGE
    db.commit()
    return [each.upper for each in users]
"""


def _codes(change: str) -> set[str]:
    files = {"main.py": _MODELS.replace("CHANGE", change)}
    return {item.code for item in make_plan(project(files), Step.ALL, Settings()).diagnostics}


@pytest.mark.parametrize("change", _LOOSE.values(), ids=_LOOSE)
def test_what_no_refresh_of_a_variable_reaches_is_fetched_by_the_flush(change: str) -> None:
    assert "MA514" in _codes(change)


@pytest.mark.parametrize(
    "change", ["user.name = 'x'", "user.name, other = 'x', 1", "user.data['name'] = 'x'"]
)
def test_a_refresh_is_enough_for_a_variable(change: str) -> None:
    assert "MA514" not in _codes(change)
