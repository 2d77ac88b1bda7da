"""What a flush leaves to the next read: columns that the database makes, and SQL expressions.

The application is executed before and after, on each database: with `RETURNING` and without.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.model.selection import EVERYTHING, Selection
from support.databases import BACKENDS, fresh_database
from support.http_sequence import replay
from support.migration import command, tree, write, written
from support.route_by_route import migrate

_MODELS = """\
import os
from datetime import datetime

from sqlalchemy import Column, Computed, ForeignKey, Integer, String
from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import column_property, declarative_base, relationship, sessionmaker

engine = create_engine(os.environ["DATABASE_URL"])
SessionLocal = sessionmaker(bind=engine)
Base = declarative_base()


def get_db():
    with SessionLocal() as db:
        yield db
        db.commit()


class Stamped:
    changed = Column(Integer, default=0, onupdate=func.length("four"))


class Order(Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
    user_id = Column(ForeignKey("users.id"))


class User(Stamped, Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(String(20))
    hits = Column(Integer, default=0)
    twice = Column(Integer, Computed("hits * 2"))
    orders = relationship("Order")
    order_count = column_property(
        select(func.count(Order.id)).where(Order.user_id == id).correlate_except(Order)
        .scalar_subquery()
    )


class Animal(Base):
    __tablename__ = "animals"
    id = Column(Integer, primary_key=True)
    kind = Column(String(10))
    legs = Column(Integer, default=4)
    seen = Column(Integer, server_onupdate=None, onupdate=func.length("seen"))
    __mapper_args__ = {"polymorphic_on": kind, "polymorphic_identity": "animal"}


class Dog(Animal):
    __mapper_args__ = {"polymorphic_identity": "dog"}


class Quiet(Stamped, Base):
    __tablename__ = "quiet"
    id = Column(Integer, primary_key=True)
"""
_MAIN = """\
from fastapi import Depends, FastAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session, load_only

from models import Animal, Base, Dog, Order, SessionLocal, User, engine, get_db

app = FastAPI()


class UserOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    hits: int | None
    twice: int | None
    changed: int | None
    order_count: int


@app.on_event("startup")
def fill():
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    with SessionLocal() as db:
        db.add_all([User(name="ann", orders=[Order()]), User(name="bob"), Dog()])
        db.commit()


def find(db, user_id):
    return db.query(User).filter(User.id == user_id).one()


@app.post("/flushed")
def flushed(db: Session = Depends(get_db)):
    user = find(db, 1)
    user.hits = 4
    db.flush()
    return [user.changed, user.twice]


@app.post("/autoflushed")
def autoflushed(db: Session = Depends(get_db)):
    user = find(db, 1)
    user.hits = 5
    others = db.query(User).filter(User.hits == 5).count()
    return [others, user.changed, user.twice]


@app.post("/response", response_model=UserOut)
def response(db: Session = Depends(get_db)):
    user = find(db, 1)
    user.hits = 6
    db.flush()
    return user


def bump(db, user):
    user.hits = User.hits + 1
    db.flush()
    return user


@app.post("/bumped", response_model=UserOut)
def bumped(db: Session = Depends(get_db)):
    return bump(db, find(db, 1))


@app.post("/expression")
def expression(db: Session = Depends(get_db)):
    user = find(db, 2)
    user.hits = User.hits + 1
    number = db.query(User).count()
    return [number, user.hits]


@app.post("/committed")
def committed(db: Session = Depends(get_db)):
    user = find(db, 2)
    user.hits = User.hits + 1
    db.commit()
    return [user.hits, user.changed]


@app.post("/new")
def new(db: Session = Depends(get_db)):
    user = User(name="new", orders=[Order()])
    db.add(user)
    db.flush()
    return [user.order_count, user.twice, user.changed]


@app.post("/gone")
def gone(db: Session = Depends(get_db)):
    user = find(db, 3)
    user.hits = 7
    db.commit()
    db.delete(user)
    db.commit()
    return user.hits


@app.post("/perhaps-gone")
def perhaps_gone(db: Session = Depends(get_db), keep: bool = False):
    user = find(db, 2)
    user.hits = 7
    if not keep:
        db.delete(user)
    db.commit()
    return user.hits


@app.post("/dog")
def dog(db: Session = Depends(get_db)):
    found = db.query(Animal).first()
    found.legs = 3
    db.flush()
    return [found.legs, found.seen]


@app.get("/expired")
def expired(db: Session = Depends(get_db)):
    user = find(db, 1)
    db.expire(user, ["name"])
    return [user.name, user.id]


def forget(db):
    db.expire_all()


@app.get("/forgotten")
def forgotten(db: Session = Depends(get_db)):
    user = find(db, 1)
    forget(db)
    return user.name


def touch(db, user):
    user.hits = 8
    db.flush()
    db.expire(user)


def rename(db, user):
    db.expire(user, ["name", "hits"])


@app.get("/touched")
def touched(db: Session = Depends(get_db)):
    user = find(db, 1)
    touch(db, user)
    return user.name


@app.get("/renamed")
def renamed(db: Session = Depends(get_db)):
    user = find(db, 1)
    rename(db, user)
    return [user.id, user.name, user.hits]


@app.get("/left-out")
def left_out(db: Session = Depends(get_db)):
    user = db.query(User).options(load_only(User.name)).order_by(User.id).first()
    return [user.name, user.hits]


@app.get("/left-out-response", response_model=list[UserOut])
def left_out_response(db: Session = Depends(get_db)):
    return db.query(User).options(load_only(User.name)).order_by(User.id).all()
"""
_PATHS = (
    *("/flushed", "/autoflushed", "/response", "/bumped", "/expression", "/committed", "/new"),
    *("/dog", "/perhaps-gone?keep=true", "/perhaps-gone", "/gone"),
)
_READS = (*("/expired", "/forgotten", "/touched", "/renamed", "/left-out", "/left-out-response"),)


def _written(folder: Path) -> Path:
    folder.mkdir()
    (folder / "models.py").write_text(_MODELS)
    (folder / "main.py").write_text(_MAIN)
    return folder


def _answers(folder: Path, url: str) -> list[dict[str, object]]:
    requests = [{"method": "POST", "path": path} for path in _PATHS]
    requests += [{"method": "GET", "path": path} for path in _READS]
    return replay(folder, requests, app="main:app", env={"DATABASE_URL": url})


@pytest.mark.parametrize("backend", BACKENDS)
async def test_the_same_is_read(backend: str, tmp_path: Path) -> None:
    """Before, each of these routes raised `MissingGreenlet`, and nothing had been said."""
    before = _written(tmp_path / "before")
    async with fresh_database(backend, tmp_path) as address:
        url = address.replace("mysql://", "mysql+pymysql://")
        expected = _answers(before, url)
        assert {answer["status"] for answer in expected} == {200}
        whole = _written(tmp_path / "whole")
        migrate(whole, EVERYTHING)
        assert _answers(whole, url) == expected
        half = _written(tmp_path / "half")
        migrate(half, Selection(routes=("POST /flushed", "POST /new")))
        assert _answers(half, url) == expected


def test_what_is_said_of_the_mapping(tmp_path: Path) -> None:
    """Once, where the column is declared, and only of what is read after it has changed."""
    folder = _written(tmp_path / "app")
    said = write(folder, "--all", "--verbose")
    models = (folder / "models.py").read_text()
    assert models.count("eager_defaults") == 2
    assert '    __mapper_args__ = {"eager_defaults": True}\n\n\nclass Order' in models
    assert '"polymorphic_identity": "animal", "eager_defaults": True}' in models
    assert said.count("note[MA514]") == 2
    done = tree(folder)
    write(folder, "--all", "--allow-dirty")
    assert tree(folder) == done, "a second run changes nothing"
    assert command(folder, "verify").returncode == 0


@pytest.mark.parametrize("first", ["POST /dog", "POST /autoflushed", "POST /new"])
def test_the_order_makes_no_difference(first: str, tmp_path: Path) -> None:
    whole, half = _written(tmp_path / "whole"), _written(tmp_path / "half")
    migrate(whole, EVERYTHING)
    migrate(half, Selection(routes=(first,)))
    migrate(half, EVERYTHING)
    assert tree(half) == tree(whole)


_NEW = """\
import os

from fastapi import Depends, FastAPI
from sqlalchemy import Column, Computed, Integer, String, create_engine, text
from sqlalchemy.orm import Session, declarative_base, sessionmaker

URL = os.environ.get("DATABASE_URL", "{scheme}://root@localhost/shop")
engine = create_engine(URL)
SessionLocal = sessionmaker(bind=engine)
Base = declarative_base()
app = FastAPI()


class User(Base):
    __tablename__ = "users"
    __table_args__ = {{"implicit_returning": False}}  # as on MySQL
    id = Column(Integer, primary_key=True)
    rank = Column(Integer, server_default=text("7"))
    twice = Column(Integer, Computed("id * 2"))
    name = Column(String(20))


def get_db():
    with SessionLocal() as db:
        yield db


@app.on_event("startup")
def fill():
    Base.metadata.create_all(engine)


@app.post("/users")
def add(db: Session = Depends(get_db)):
    user = User(name="ann")
    db.add(user)
    db.flush()
    return [user.rank, user.twice, user.name]
"""


@pytest.mark.parametrize(("scheme", "is_told"), [("mysql", True), ("postgresql", False)])
def test_new_rows_on_mysql(scheme: str, is_told: bool, tmp_path: Path) -> None:
    """It has no RETURNING: what it makes for a new row is left to the next read, too."""
    folder = written(tmp_path / "app", {"main.py": _NEW.format(scheme=scheme)})
    requests = [{"method": "POST", "path": "/users"}]
    before = replay(folder, requests, app="main:app")
    assert before[0]["json"] == [7, 2, "ann"]
    migrate(folder, EVERYTHING)
    assert ("eager_defaults" in (folder / "main.py").read_text()) == is_told
    if is_told:
        assert replay(folder, requests, app="main:app") == before
