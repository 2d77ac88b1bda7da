"""The pairs of code blocks on the pages of the migration guide, and what the tool makes of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from migrate_async.config import Settings
from migrate_async.model.plan import Step
from migrate_async.plan.planner import make_plan
from migrate_async.rewrite.engine import rewrite_text
from support.projects import project

CONTEXT = {
    "app/database.py": """\
from sqlalchemy import create_engine
from sqlalchemy.orm import declarative_base, sessionmaker

engine = create_engine("sqlite:///app.db")
SessionLocal = sessionmaker(bind=engine)
Base = declarative_base()


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
""",
    "app/models.py": """\
from sqlalchemy import Column, ForeignKey, Integer, String
from sqlalchemy.orm import relationship

from app.database import Base


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(String(80), unique=True)
    posts = relationship("Post", back_populates="user")


class Post(Base):
    __tablename__ = "posts"
    id = Column(Integer, primary_key=True)
    title = Column(String(80))
    user_id = Column(Integer, ForeignKey("users.id"))
    user = relationship("User", back_populates="posts")
""",
    "app/crud.py": """\
from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session

from app.database import get_db
from app.models import User

router = APIRouter()


def find(db: Session, user_id: int):
    return db.get(User, user_id)


@router.get("/users/{user_id}")
def read_user(user_id: int, db: Session = Depends(get_db)):
    return find(db, user_id)
""",
}
"""The application around each example."""

STEPS = {"queries.md": Step.QUERIES, "models.md": Step.MODELS}
"""The step that a page is about; the others are about the whole migration."""

_PAIR = re.compile(
    r'```python title="(?P<path>[\w/.]+): before"\n(?P<before>.*?)```\n\n'
    r'```python title="(?P=path): after"\n(?P<after>.*?)```\n',
    flags=re.DOTALL,
)


@dataclass(frozen=True)
class Pair:
    """One example: the file's path, and its text before and after."""

    path: str
    before: str
    after: str


def pairs(page: str) -> Iterator[Pair]:
    """Those in the text `page`."""
    for found in _PAIR.finditer(page):
        yield Pair(found["path"], found["before"], found["after"])


def converted(pair: Pair, page_name: str) -> str:
    """What the tool makes of the file, in the application of `CONTEXT`."""
    files = {**CONTEXT, pair.path: pair.before}
    plan = make_plan(project(files), STEPS.get(page_name, Step.ALL), Settings())
    (file,) = [file for file in plan.files if file.path == pair.path]
    return rewrite_text(file, pair.before)
