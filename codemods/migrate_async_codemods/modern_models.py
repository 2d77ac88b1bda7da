"""Declarative models in the style of SQLAlchemy 2.0."""

from __future__ import annotations

from migrate_async.model.plan import Step
from migrate_async.rewrite.codemod import Example, PlannedCodemod


class ModernModels(PlannedCodemod):
    """Write models with `DeclarativeBase`, `Mapped[...]` and `mapped_column`.

    ## Why

    A type checker knows what `user.posts` is only if the class says so. The tables, the mapping
    and the migrations stay what they are, so this step can be done first, last or never.

    ## What it does

    `declarative_base()` becomes a class, `Column` in a model becomes an annotated `mapped_column`,
    relationships are annotated, also those that a `declared_attr` returns. The annotation follows
    the column: `nullable`, `primary_key` and the type decide between `str`, `str | None` and
    `datetime`; explicit arguments stay. `deferred(Column(...))` becomes
    `mapped_column(..., deferred=True)`. `backref` becomes `back_populates` on both sides where
    what it copies can be said there. Classes of other modules are imported under `TYPE_CHECKING`.

    ## Left alone

    `Table(...)` and its columns, imperative mappings, SQLModel, hybrids, `column_property`,
    `composite`, `synonym` and association proxies, whose types SQLAlchemy's own annotations tell.

    Left and reported: Flask-SQLAlchemy's `db.Model`, dataclasses, relationships whose direction
    cannot be told, backrefs whose join cannot be said on the other side, columns without a type
    and those whose `type` or other attributes the class body reads. A column whose type has no
    free name in the class body becomes a `mapped_column` without annotation.

    The docstring of a function under `declared_attr` is no longer the `doc` of its column, and
    where a class has attributes that are only annotated, `create_all` takes all columns in the
    order of the source.
    """

    NAME = "modern-models"
    CODE = "MA550"
    STEP = Step.MODELS
    EXAMPLES = (
        Example(
            "a base, columns and both sides of a relationship",
            before="""\
from sqlalchemy import Column, DateTime, ForeignKey, Integer, String
from sqlalchemy.orm import declarative_base, relationship

Base = declarative_base()


class User(Base):
    __tablename__ = "users"

    id = Column(Integer, primary_key=True)
    email = Column(String(120), unique=True, nullable=False)  # for logging in
    last_seen = Column(DateTime)

    posts = relationship("Post", back_populates="author")


class Post(Base):
    __tablename__ = "posts"

    id = Column(Integer, primary_key=True)
    author_id = Column(ForeignKey("users.id"), nullable=False)

    author = relationship("User", back_populates="posts")
""",
            after="""\
from datetime import datetime

from sqlalchemy import DateTime, ForeignKey, Integer, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    email: Mapped[str] = mapped_column(String(120), unique=True, nullable=False)  # for logging in
    last_seen: Mapped[datetime | None] = mapped_column(DateTime)

    posts: Mapped[list["Post"]] = relationship("Post", back_populates="author")


class Post(Base):
    __tablename__ = "posts"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id"), nullable=False)

    author: Mapped["User"] = relationship("User", back_populates="posts")
""",
        ),
        Example(
            "a backref is written out on the other side",
            before="""\
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Shelf(Base):
    __tablename__ = "shelves"

    id: Mapped[int] = mapped_column(primary_key=True)
    books = relationship("Book", backref="shelf")


class Book(Base):
    __tablename__ = "books"

    id: Mapped[int] = mapped_column(primary_key=True)
    shelf_id: Mapped[int] = mapped_column(ForeignKey("shelves.id"))
""",
            after="""\
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Shelf(Base):
    __tablename__ = "shelves"

    id: Mapped[int] = mapped_column(primary_key=True)
    books: Mapped[list["Book"]] = relationship("Book", back_populates="shelf")


class Book(Base):
    __tablename__ = "books"

    id: Mapped[int] = mapped_column(primary_key=True)
    shelf_id: Mapped[int] = mapped_column(ForeignKey("shelves.id"))
    shelf: Mapped["Shelf"] = relationship("Shelf", back_populates="books")
""",
        ),
        Example(
            "a table is no model",
            before="""\
from sqlalchemy import Column, ForeignKey, MetaData, Table

links = Table("links", MetaData(), Column("a_id", ForeignKey("a.id"), primary_key=True))
""",
        ),
        Example(
            "SQLModel has a style of its own",
            before="""\
from sqlalchemy import Column, String
from sqlmodel import Field, SQLModel


class Hero(SQLModel, table=True):
    id: int = Field(primary_key=True)
    name: str = Field(sa_column=Column(String(30)))
""",
        ),
    )
