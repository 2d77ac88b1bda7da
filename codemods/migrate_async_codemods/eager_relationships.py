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


"""
_READS = _MODELS.format(field="\n    posts: list[PostOut]")
_WITH_SELECT = _READS.replace("Integer\n", "Integer, select\n")
_ONE = """\
@app.get("/users/{id}", response_model=UserOut)
def read_user(id: int, db: Session):
    return db.get(User, id)
"""
_CALLED = """\
def find(db: Session, id: int):
    query = select(User)
    return db.execute(query.where(User.id == id)).scalars().first()


@app.get("/users/{id}", response_model=UserOut)
def read_user(id: int, db: Session):
    return find(db, id)
"""
_ANY = """\
@app.get("/any", response_model=UserOut)
def read_any(db: Session, name: str):
    return db.execute(select(globals()[name])).scalars().first()
"""

_IMPORT = "from migrate_async import lazy_response\nfrom pydantic import"
_SORTED = """\
class Size:
    def __call__(self, user: User):
        return len(user.posts)


@app.get("/names")
def read_names(db: Session):
    users = db.execute(select(User)).scalars().all()
    return [user.name for user in sorted(users, key=Size())]
"""


def _loading(text: str) -> str:
    return text.replace(", relationship\n", ", relationship, selectinload\n", 1)


class EagerRelationships(PlannedCodemod):
    """Load relationships with their object where a response model or sync code reads them.

    ## Why

    A response is serialised after the route has returned. A lazy load there raises
    `MissingGreenlet` in async code. So does one in a property, a template or a helper that stays
    sync.

    ## What it does

    `selectinload()` (`undefer()` for a deferred column) on the queries that produce the objects,
    across functions, and in `options=` of `session.get()`: where all queries are known, and each
    consumer of their objects needs the attribute. Otherwise the codemod `async-colour` awaits the
    attribute just before it is read. Where neither is possible, or that would take many lines, the
    route gets `@lazy_response`, which lets the response load what it reads. What something else
    than a response reads gets `lazy="selectin"` in the mapping, reported as MA501, with
    `join_depth` where SQLAlchemy would stop because the path comes to a class for the second time.
    Trees of one class are awaited level by level.

    ## Left alone

    Attributes that only coroutines read: those are awaited where they are read. Attributes that the
    query, or the mapping, loads already.
    """

    NAME = "eager-relationships"
    CODE = "MA500"
    AFTER = ("async-colour",)
    EXAMPLES = (
        Example(
            "the response model reads the posts",
            before=_READS + _ONE,
            after=_loading(_READS)
            + _ONE.replace("User, id", "User, id, options=[selectinload(User.posts)]"),
        ),
        Example(
            "the query is in a function that nobody else calls",
            before=_WITH_SELECT + _CALLED,
            after=_loading(_WITH_SELECT)
            + _CALLED.replace("select(User)", "select(User).options(selectinload(User.posts))"),
        ),
        Example(
            "nobody knows what the response reads them of",
            before=_WITH_SELECT + _ANY,
            after=_WITH_SELECT.replace("from pydantic import", _IMPORT)
            + _ANY.replace("def read_any", "@lazy_response\ndef read_any"),
        ),
        Example(
            "sync code that nobody can follow reads them",
            before=_WITH_SELECT + _SORTED,
            after=_WITH_SELECT.replace(
                'relationship("Post", back_populates="author")',
                "relationship(\n"
                '        "Post", back_populates="author", lazy="selectin", join_depth=10\n'
                "    )",
            )
            + _SORTED,
        ),
        Example("nothing reads them", before=_MODELS.format(field="") + _ONE),
    )
