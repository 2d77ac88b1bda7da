"""Relationships that are read where nobody can await."""

from __future__ import annotations

from migrate_async.rewrite.codemod import Example, PlannedCodemod

_MODELS = """\
from fastapi import Depends, FastAPI
from pydantic import BaseModel
from sqlalchemy import Column, ForeignKey, Integer
from sqlalchemy.orm import Session, declarative_base, relationship

Base = declarative_base()
app = FastAPI()


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    posts = relationship("Post", back_populates="author")


class Post(Base):
    __tablename__ = "posts"
    id = Column(Integer, primary_key=True)
    user_id = Column(Integer, ForeignKey("users.id"))
    author = relationship("User", back_populates="posts")


class PostOut(BaseModel):
    id: int


class UserOut(BaseModel):
    id: int{field}


@app.get("/users/{{id}}", response_model=UserOut)
def read_user(id: int, db: Session):
    return db.get(User, id)
"""


class EagerRelationships(PlannedCodemod):
    """Load relationships with their object where a response model or a property reads them.

    ## Why

    A response is serialised after the route has returned. A lazy load there raises
    `MissingGreenlet` in async code.

    ## What it does

    `lazy="selectin"` on relationships that response models, properties, lambdas or helpers that
    stay sync read. `join_depth` where SQLAlchemy would stop because the path comes to a class for
    the second time. Every change is reported as MA501.

    ## Left alone

    Relationships that only coroutines read: those are awaited where they are read. Relationships
    that are loaded eagerly already.
    """

    NAME = "eager-relationships"
    CODE = "MA500"
    AFTER = ("async-colour",)
    EXAMPLES = (
        Example(
            "the response model reads the posts",
            before=_MODELS.format(field="\n    posts: list[PostOut]"),
            after=_MODELS.format(field="\n    posts: list[PostOut]").replace(
                'relationship("Post", back_populates="author")',
                "relationship(\n"
                '        "Post", back_populates="author", lazy="selectin", join_depth=10\n'
                "    )",
            ),
        ),
        Example("nothing reads them", before=_MODELS.format(field="")),
    )
