"""An application whose relationships are queries (`lazy="dynamic"`), before and after."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from migrate_async.model.plan import Step
from migrate_async.model.selection import EVERYTHING
from support.http_sequence import replay
from support.route_by_route import in_random_order, migrate, routes_of

_MAIN = """\
import os

from fastapi import Depends, FastAPI, HTTPException
from fastapi_pagination import Page, add_pagination
from fastapi_pagination.ext.sqlalchemy import paginate
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Column, ForeignKey, Integer, String, create_engine
from sqlalchemy.orm import Session, backref, declarative_base, relationship, sessionmaker

engine = create_engine(os.environ.get("DATABASE_URL", "sqlite:///shop.db"))
SessionLocal = sessionmaker(bind=engine, autoflush=False)
Base = declarative_base()
app = FastAPI()


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(String)
    posts = relationship("Post", lazy="dynamic", order_by="Post.id.desc()", back_populates="user")

    @property
    def newest(self):
        return self.posts.first()

    def titled(self, title):
        return self.posts.filter(Post.title == title).all()


class Post(Base):
    __tablename__ = "posts"
    id = Column(Integer, primary_key=True)
    title = Column(String)
    user_id = Column(ForeignKey("users.id"))
    user = relationship("User", back_populates="posts")


class Note(Base):
    __tablename__ = "notes"
    id = Column(Integer, primary_key=True)
    text = Column(String)
    post_id = Column(ForeignKey("posts.id"))
    post = relationship("Post", backref=backref("notes", lazy="dynamic"))


class UserOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    name: str


class PostOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    title: str
    user: UserOut


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


def current_user(id: int, db: Session = Depends(get_db)):
    user = db.query(User).filter(User.id == id).first()
    if user is None:
        raise HTTPException(404)
    return user


@app.on_event("startup")
def fill():
    Base.metadata.create_all(bind=engine)
    with SessionLocal() as db:
        for number in range(3):
            user = User(name=f"u{number}")
            db.add(user)
            for title in "abc"[: number + 1]:
                post = Post(title=title)
                user.posts.append(post)
                post.notes.append(Note(text=f"{title}{number}"))
        db.commit()


@app.get("/users/{id}/posts", response_model=list[PostOut])
def posts(user: User = Depends(current_user)):
    return user.posts.all()


@app.get("/users/{id}/count")
def count(user: User = Depends(current_user)):
    return {"count": user.posts.count(), "a": user.posts.filter_by(title="a").count()}


@app.get("/users/{id}/page", response_model=Page[PostOut])
def page(user: User = Depends(current_user)):
    return paginate(user.posts.order_by(None).order_by(Post.title))


@app.get("/users/{id}/titled/{title}", response_model=list[PostOut])
def titled(title: str, user: User = Depends(current_user)):
    return user.titled(title)


@app.get("/users/{id}/newest")
def newest(user: User = Depends(current_user)):
    return {"title": user.newest.title}


def add_post(user: User, title: str):
    user.posts.append(Post(title=title))


@app.post("/users/{id}/posts/{title}")
def create(title: str, user: User = Depends(current_user), db: Session = Depends(get_db)):
    add_post(user, title)
    before = user.posts.count()
    db.commit()
    return {"before": before, "after": user.posts.count(), "last": user.posts[0].title}


@app.get("/notes")
def notes(db: Session = Depends(get_db)):
    found = []
    for user in db.query(User).order_by(User.id).all():
        for post in user.posts:
            found += [(user.name, note.text, note.post.user.name) for note in post.notes]
    return found


def fresh(title: str):
    user = User(name="new")
    user.posts.append(Post(title=title))
    return user


@app.get("/made/{title}")
def made(title: str, db: Session = Depends(get_db)):
    user = fresh(title)
    db.add(user)
    return [post.title for post in listed(user)]


def listed(user: User):
    return user.posts.all()


@app.delete("/users/{id}/posts")
def clear(user: User = Depends(current_user), db: Session = Depends(get_db)):
    for post in user.posts.order_by(Post.title):
        for note in post.notes:
            db.delete(note)
        db.delete(post)
    db.commit()
    return user.posts.count()


add_pagination(app)
"""

_REQUESTS = [
    {"method": method, "path": path}
    for method, path in (
        ("GET", "/users/3/posts"),
        ("GET", "/users/2/count"),
        ("GET", "/users/3/page?size=2"),
        ("GET", "/users/3/titled/b"),
        ("GET", "/users/3/newest"),
        ("POST", "/users/2/posts/zz"),
        ("GET", "/users/2/posts"),
        ("GET", "/notes"),
        ("GET", "/made/x"),
        ("DELETE", "/users/3/posts"),
        ("GET", "/notes"),
        ("GET", "/users/9/posts"),
    )
]


def _copies(folder: Path, *names: str) -> list[Path]:
    found = [folder / name for name in names]
    for path in found:
        path.mkdir()
        (path / "main.py").write_text(_MAIN)
    return found


@pytest.mark.parametrize("steps", [(Step.QUERIES,), (Step.ALL,), (Step.QUERIES, Step.ASYNC)])
def test_the_answers_are_the_same(tmp_path: Path, steps: tuple[Step, ...]) -> None:
    before, after = _copies(tmp_path, "before", "after")
    expected = replay(before, _REQUESTS, app="main:app")
    assert {answer["status"] for answer in expected} == {200, 404}
    for step in steps:
        migrate(after, EVERYTHING, step)
    driver = "sqlite" if steps == (Step.QUERIES,) else "sqlite+aiosqlite"
    assert replay(after, _REQUESTS, app="main:app", driver=driver) == expected
    text = (after / "main.py").read_text()
    migrate(after, EVERYTHING, steps[-1])
    assert (after / "main.py").read_text() == text


def test_what_reads_a_loaded_object_converts(tmp_path: Path) -> None:
    (after,) = _copies(tmp_path, "after")
    migrate(after, EVERYTHING)
    text = (after / "main.py").read_text()
    for name in ("posts", "count", "page", "titled", "create", "notes", "clear"):
        assert f"async def {name}(" in text
    assert "    def newest(self):" in text  # a property
    assert "\ndef listed(user: User):\n    return user.posts.all()" in text  # of one that is new


def test_any_order_ends_the_same(tmp_path: Path) -> None:
    before, once, steps = _copies(tmp_path, "before", "once", "steps")
    expected = replay(before, _REQUESTS, app="main:app")
    migrate(once, EVERYTHING)
    routes = routes_of(steps)
    for number, _ in enumerate(in_random_order(steps, 2)):
        if number in (1, len(routes) // 2):
            driven = replay(steps, _REQUESTS, app="main:app", driver="sqlite+aiosqlite")
            assert driven == expected
    assert _without_layout(steps) == _without_layout(once)


def _without_layout(folder: Path) -> str:
    """A statement that was longer for a while stays on several lines."""
    return ast.unparse(ast.parse((folder / "main.py").read_text()))
