"""`setattr(found, name, value)` of an object that nobody knows: a relationship would load.

So it would in `schema.from_orm(found)`.
"""

from __future__ import annotations

import pytest

from migrate_async.config import Settings
from migrate_async.model.plan import Step
from migrate_async.plan.planner import make_plan
from support.projects import project

MODELS = """\
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    books: Mapped[list["Book"]] = relationship()


class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id"))
"""
FILLED = """\
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Book


def fill(db: Session, given, fields):
    for name, part in fields:
        made = db.scalars(select(Book).where(Book.id == part)).all()
        setattr(given, name, made)
"""
FROM_A_DICT = """\
from sqlalchemy.orm import Session


def change(db: Session, found, values):
    for name, value in values.items():
        setattr(found, name, value)
    db.commit()
"""


def told(code: str) -> list[tuple[str, int]]:
    found = make_plan(project({"models.py": MODELS, "crud.py": code}), Step.ALL, Settings())
    return [(item.code, item.line) for item in found.diagnostics if item.path == "crud.py"]


def test_what_code_has_made_may_be_objects() -> None:
    assert told(FILLED) == [("MA513", 10)]


def test_what_comes_with_its_name_is_of_columns() -> None:
    assert told(FROM_A_DICT) == []


def test_what_is_known_is_seen_to_elsewhere() -> None:
    known = FILLED.replace("given, fields", "given: Book, fields")
    assert told(known) == []


GIVEN = """\
from sqlalchemy import text
from sqlalchemy.orm import Session


class Reader:
    def __init__(self, schema):
        self.schema = schema

    def read(self, db: Session, found):
        db.execute(text("SELECT 1"))
        return self.schema.from_orm(found)
"""


def test_what_an_unknown_schema_reads_is_told() -> None:
    assert told(GIVEN) == [("MA513", 11)]
    known = GIVEN.replace("db: Session, found", "db: Session, found: int")
    assert told(known) == []


DUG = """\
import functools

from sqlalchemy.orm import Session

from models import Author


def dig(obj, path):
    return functools.reduce(getattr, path.split("."), obj)


def show(db: Session, number: int, path: str):
    return dig(db.get(Author, number), path)
"""
OF_TEXTS = """\
from sqlalchemy import text
from sqlalchemy.orm import Session


def counted(db: Session):
    return [row.books for row in db.execute(text("SELECT 3 AS books"))]
"""
LABELLED = """\
from sqlalchemy import func
from sqlalchemy.orm import Session

from models import Author, Book


def counted(db: Session):
    counts = db.query(Book.author_id, func.count().label("books")).subquery()
    return [row.books for row in db.query(Author.id, counts.c.books).all()]
"""
DEEPER = """\
from sqlalchemy.orm import Session


def shown(db: Session, found):
    db.commit()
    return found.author.books.first
"""


def test_what_is_given_to_code_that_follows_a_path_is_told() -> None:
    assert told(DUG) == [("MA513", 13)]


def test_what_is_read_behind_it_is_told_too() -> None:
    assert told(DEEPER) == [("MA513", 6)]


@pytest.mark.parametrize("code", [OF_TEXTS, LABELLED], ids=["a text", "labels"])
def test_columns_of_rows_are_none(code: str) -> None:
    assert not [item for item in told(code) if item[0] == "MA513"]
