"""Applications on fastapi-pagination, before and after, with the library itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.model.plan import Step
from migrate_async.model.selection import EVERYTHING
from support.http_sequence import replay
from support.route_by_route import in_random_order, migrate, routes_of

_SHOP = """\
import os
from typing import Optional

from fastapi import Depends, FastAPI
from fastapi_pagination import LimitOffsetPage, Page, Params, add_pagination
from fastapi_pagination import paginate as paginate_list
from fastapi_pagination.ext.sqlalchemy import paginate
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Column, ForeignKey, Integer, String, create_engine, select
from sqlalchemy.orm import Query, Session, declarative_base, relationship, sessionmaker

engine = create_engine(os.environ.get("DATABASE_URL", "sqlite:///shop.db"))
SessionLocal = sessionmaker(bind=engine)
Base = declarative_base()
app = FastAPI()


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(String)
    posts = relationship("Post", back_populates="user")


class Post(Base):
    __tablename__ = "posts"
    id = Column(Integer, primary_key=True)
    title = Column(String)
    user_id = Column(ForeignKey("users.id"))
    user = relationship("User", back_populates="posts")


class PostOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    title: str


class Named(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int
    name: str


class UserOut(Named):
    posts: list[PostOut]


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


@app.on_event("startup")
def fill():
    Base.metadata.create_all(bind=engine)
    with SessionLocal() as db:
        for number in range(7):
            posts = [Post(title=f"p{number}"), Post(title="x")]
            db.add(User(name=f"u{number % 3}", posts=posts))
        db.commit()


def search(query: Query, name: Optional[str]):
    if name:
        query = query.filter(User.name == name)
    return query.order_by(User.id)


@app.get("/users", response_model=Page[UserOut])
def users(db: Session = Depends(get_db), name: Optional[str] = None):
    return paginate(search(db.query(User), name))


@app.get("/params", response_model=Page[Named])
def params(params: Params = Depends(), db: Session = Depends(get_db)):
    query = db.query(User).filter(User.id > 1)
    return paginate(query.order_by(User.name, User.id.desc()), params=params)


@app.get("/joined", response_model=Page[UserOut])
def joined(db: Session = Depends(get_db)):
    return paginate(
        db.query(User).join(User.posts).filter(Post.title != "p3").order_by(User.id),
    )


@app.get("/repeated", response_model=Page[Named])
def repeated(db: Session = Depends(get_db)):
    return paginate(db.query(User).join(User.posts).order_by(User.id), unique=False)


@app.get("/columns", response_model=Page[Named])
def columns(db: Session = Depends(get_db)):
    return paginate(db.query(User.id, User.name).order_by(User.id))


@app.get("/names", response_model=Page[tuple[str]])
def names(db: Session = Depends(get_db)):
    return paginate(db.query(User.name).order_by(User.name).distinct())


@app.get("/new")
def new(db: Session = Depends(get_db)) -> LimitOffsetPage[UserOut]:
    return paginate(db, db.query(User).order_by(User.id))


@app.get("/counted", response_model=Page[UserOut])
def counted(db: Session = Depends(get_db)):
    count = db.query(User).filter(User.id < 3).with_entities(User.id)
    return paginate(db, db.query(User).order_by(User.id), count_query=count)


@app.get("/selected", response_model=Page[UserOut])
def selected(db: Session = Depends(get_db)):
    return paginate(db, select(User).order_by(User.id.desc()), subquery_count=False)


@app.get("/changed", response_model=Page[UserOut])
def changed(params: Params = Depends(), db: Session = Depends(get_db)):
    page = paginate(db.query(User).order_by(User.id), params)
    for user in page.items:
        user.name = ", ".join(post.title for post in user.posts)
    return page


@app.get("/list", response_model=Page[Named])
def listed(db: Session = Depends(get_db)):
    return paginate_list(db.query(User).order_by(User.id).all())


@app.get("/transformed", response_model=Page[str])
def transformed(db: Session = Depends(get_db)):
    query = db.query(User).order_by(User.id)
    return paginate(query, transformer=lambda items: [item.posts[0].title for item in items])


@app.get("/anew", response_model=Page[Named])
def anew(db: Session = Depends(get_db)):
    return paginate(db.query(User).populate_existing().order_by(User.id))


add_pagination(app)
"""

_HEROES = """\
import os

from fastapi import Depends, FastAPI
from fastapi_pagination import LimitOffsetPage, Page, add_pagination
from fastapi_pagination.ext import sqlalchemy as pages
from fastapi_pagination.ext.sqlalchemy import paginate as page_of
from fastapi_pagination.ext.sqlmodel import paginate
from sqlmodel import Field, Session, SQLModel, create_engine, select

engine = create_engine(os.environ.get("DATABASE_URL", "sqlite:///heroes.db"))
app = FastAPI()


class Hero(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str


def get_session():
    with Session(engine) as session:
        yield session


@app.on_event("startup")
def fill():
    SQLModel.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Hero(name=f"h{number}") for number in range(5)])
        session.commit()


@app.get("/heroes", response_model=Page[Hero])
def heroes(session: Session = Depends(get_session)):
    return paginate(session, select(Hero).order_by(Hero.id))


@app.get("/all")
def all_heroes(session: Session = Depends(get_session)) -> LimitOffsetPage[Hero]:
    return paginate(session, Hero)


@app.get("/module", response_model=Page[Hero])
def module(session: Session = Depends(get_session)):
    return pages.paginate(session.query(Hero).order_by(Hero.id.desc()))


@app.get("/alias", response_model=Page[Hero])
def alias(session: Session = Depends(get_session)):
    return page_of(session, select(Hero).order_by(Hero.id.desc()))


add_pagination(app)
"""

_SHOP_PATHS = (
    *("/users?size=2&page=2", "/users?name=u1", "/users?size=0", "/params?size=3&page=2"),
    *("/joined?size=3", "/repeated?size=3", "/columns?size=2", "/names?size=2", "/new?limit=3"),
    *("/counted?size=2", "/selected?size=4&page=2", "/changed?size=2", "/list?size=2"),
    *("/transformed?size=3", "/anew?page=2&size=4"),
)
_HEROES_PATHS = (
    "/heroes?size=2",
    "/all?limit=2&offset=1",
    "/module?size=2",
    "/alias?page=2&size=3",
)
_APPS = {"shop": (_SHOP, _SHOP_PATHS), "heroes": (_HEROES, _HEROES_PATHS)}


@pytest.fixture(params=_APPS)
def before(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, list[dict[str, str]]]:
    text, paths = _APPS[request.param]
    folder = tmp_path / "before"
    folder.mkdir()
    (folder / "main.py").write_text(text)
    return folder, [{"method": "GET", "path": path} for path in paths]


def _copy(folder: Path, name: str) -> Path:
    other = folder.with_name(name)
    other.mkdir()
    (other / "main.py").write_text((folder / "main.py").read_text())
    return other


@pytest.mark.parametrize("step", [Step.QUERIES, Step.ALL])
def test_pages_are_the_same(before: tuple[Path, list[dict[str, str]]], step: Step) -> None:
    folder, requests = before
    expected = replay(folder, requests, app="main:app")
    assert {answer["status"] for answer in expected} <= {200, 422}
    after = _copy(folder, "after")
    migrate(after, EVERYTHING, step)
    driver = "sqlite" if step is Step.QUERIES else "sqlite+aiosqlite"
    assert replay(after, requests, app="main:app", driver=driver) == expected
    text = (after / "main.py").read_text()
    migrate(after, EVERYTHING, step)
    assert (after / "main.py").read_text() == text


def test_both_steps_end_where_one_does(before: tuple[Path, list[dict[str, str]]]) -> None:
    folder, requests = before
    once, steps = _copy(folder, "once"), _copy(folder, "steps")
    migrate(once, EVERYTHING)
    for step in (Step.QUERIES, Step.ASYNC):
        migrate(steps, EVERYTHING, step)
    expected = replay(folder, requests, app="main:app")
    assert replay(steps, requests, app="main:app", driver="sqlite+aiosqlite") == expected


def test_any_order_ends_the_same(before: tuple[Path, list[dict[str, str]]]) -> None:
    folder, requests = before
    expected = replay(folder, requests, app="main:app")
    once, steps = _copy(folder, "once"), _copy(folder, "steps")
    migrate(once, EVERYTHING)
    routes = routes_of(folder)
    for number, _ in enumerate(in_random_order(steps, 1)):
        if number in (0, len(routes) // 2):
            driven = replay(steps, requests, app="main:app", driver="sqlite+aiosqlite")
            assert driven == expected
    assert (steps / "main.py").read_text() == (once / "main.py").read_text()
