"""SQL expressions that are loaded when they are read, set in a class or below it."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.model.selection import EVERYTHING
from support.http_sequence import replay
from support.route_by_route import migrate

INSIDE = """
    books = column_property(
        select(func.count(Book.id)).where(Book.author_id == id).scalar_subquery(), deferred=True
    )
"""
BELOW = """

Author.books = column_property(
    select(func.count(Book.id)).where(Book.author_id == Author.id).scalar_subquery(), deferred=True
)
"""
APPLICATION = """\
from fastapi import Depends, FastAPI
from pydantic import BaseModel
from sqlalchemy import Column, ForeignKey, Integer, String, create_engine, func, select
from sqlalchemy.orm import Session, column_property, declarative_base, sessionmaker

engine = create_engine("sqlite:///authors.db", connect_args={"check_same_thread": False})
SessionLocal = sessionmaker(bind=engine)
Base = declarative_base()
app = FastAPI()


class Book(Base):
    __tablename__ = "books"
    id = Column(Integer, primary_key=True)
    author_id = Column(ForeignKey("authors.id"))


class Author(Base):
    __tablename__ = "authors"
    id = Column(Integer, primary_key=True)
    name = Column(String(20))


class AuthorOut(BaseModel):
    name: str
    books: int

    class Config:
        from_attributes = True


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


@app.on_event("startup")
def fill():
    Base.metadata.create_all(bind=engine)
    db = SessionLocal()
    try:
        db.add_all([Author(id=1, name="Ann"), Book(author_id=1), Book(author_id=1)])
        db.commit()
    finally:
        db.close()


@app.get("/authors", response_model=list[AuthorOut])
def authors(db: Session = Depends(get_db)):
    return db.query(Author).order_by(Author.id).all()


@app.get("/count/{id}")
def count(id: int, db: Session = Depends(get_db)):
    author = db.query(Author).filter(Author.id == id).first()
    return {"books": author.books}
"""
REQUESTS = [{"method": "GET", "path": "/authors"}, {"method": "GET", "path": "/count/1"}]


@pytest.mark.parametrize("place", [INSIDE, BELOW])
def test_they_are_loaded_before_they_are_read(place: str, tmp_path: Path) -> None:
    name = "    name = Column(String(20))\n"
    text = APPLICATION.replace(name, name + place)
    for folder in ("before", "after"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "main.py").write_text(text)
    migrate(tmp_path / "after", EVERYTHING)
    before = replay(tmp_path / "before", REQUESTS, app="main:app")
    after = replay(tmp_path / "after", REQUESTS, app="main:app", driver="sqlite+aiosqlite")
    assert before[0]["json"] == [{"name": "Ann", "books": 2}]
    assert after == before
