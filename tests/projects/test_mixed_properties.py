"""A property that gives objects of several relationships, for a schema that reads on in them.

Executed before the migration and after all of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from migrate_async.model.selection import EVERYTHING
from support.http_sequence import replay
from support.migration import tree, written
from support.route_by_route import migrate

MAIN = """\
import os
from itertools import chain
from typing import Union

from fastapi import Depends, FastAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Column, ForeignKey, Integer, String, create_engine
from sqlalchemy.orm import Session, declarative_base, relationship, sessionmaker

engine = create_engine(os.environ["DATABASE_URL"], connect_args={"check_same_thread": False})
SessionLocal = sessionmaker(engine)
Base = declarative_base()
app = FastAPI()


class Shelf(Base):
    __tablename__ = "shelves"
    id = Column(Integer, primary_key=True)
    books = relationship("Book")
    films = relationship("Film")

    @property
    def media(self):
        found = list(chain(self.books, self.films))
        found.sort(key=lambda item: item.title)
        return found


class Page(Base):
    __tablename__ = "pages"
    id = Column(Integer, primary_key=True)
    text = Column(String)
    book_id = Column(ForeignKey("books.id"))


class Reel(Base):
    __tablename__ = "reels"
    id = Column(Integer, primary_key=True)
    name = Column(String)
    film_id = Column(ForeignKey("films.id"))


class Book(Base):
    __tablename__ = "books"
    id = Column(Integer, primary_key=True)
    title = Column(String)
    shelf_id = Column(ForeignKey("shelves.id"))
    pages = relationship("Page")


class Film(Base):
    __tablename__ = "films"
    id = Column(Integer, primary_key=True)
    title = Column(String)
    shelf_id = Column(ForeignKey("shelves.id"))
    reels = relationship("Reel")


class Read(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class PageRead(Read):
    text: str


class ReelRead(Read):
    name: str


class BookRead(Read):
    title: str
    pages: list[PageRead]


class FilmRead(Read):
    title: str
    reels: list[ReelRead]


class ShelfRead(Read):
    id: int
    media: list[Union[BookRead, FilmRead]]


def get_db():
    with SessionLocal() as db:
        yield db


@app.on_event("startup")
def start():
    Base.metadata.create_all(bind=engine)
    with SessionLocal() as db:
        db.add(Shelf(
            books=[Book(title="b", pages=[Page(text="one")])],
            films=[Film(title="a", reels=[Reel(name="r")])],
        ))
        db.commit()


@app.get("/shelves/{id}", response_model=ShelfRead)
def shelf(id: int, db: Session = Depends(get_db)):
    return db.query(Shelf).filter(Shelf.id == id).first()
"""


def test_what_the_schema_reads_of_them_is_loaded(tmp_path: Path) -> None:
    folder = written(tmp_path, {"main.py": MAIN})
    expected = _answers(folder, "sqlite")
    assert [item["title"] for item in expected[0]["json"]["media"]] == ["a", "b"]
    migrate(folder, EVERYTHING)
    assert _answers(folder, "sqlite+aiosqlite") == expected
    done = tree(folder)
    migrate(folder, EVERYTHING)
    assert tree(folder) == done


def _answers(folder: Path, driver: str) -> list[dict[str, Any]]:
    requests = [{"method": "GET", "path": "/shelves/1"}]
    return replay(folder, requests, app="main:app", driver=driver)
