"""Functions that give an object of some model, and say no more than its base: `-> Base`."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import printed_anew, tree, write, written

_DECLARATIVE = """\
from sqlalchemy import ForeignKey, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    shelf_id: Mapped[int | None] = mapped_column(ForeignKey("shelves.id"))


class Shelf(Base):
    __tablename__ = "shelves"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    books: Mapped[list[Book]] = relationship()
"""
_SQLMODEL = """\
from sqlmodel import Field, Relationship, Session, SQLModel, create_engine

Base = SQLModel


class Book(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    title: str
    shelf_id: int | None = Field(default=None, foreign_key="shelf.id")


class Shelf(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str
    books: list[Book] = Relationship()
"""
_MAIN = """

from fastapi import Depends, FastAPI
from pydantic import BaseModel, ConfigDict

engine = create_engine("sqlite:///shelves.db")
Base.metadata.create_all(engine)
app = FastAPI()


class BookOut(BaseModel):
    title: str


class ShelfOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int
    name: str
    books: list[BookOut]


class Request(BaseModel):
    class Meta:
        model: type[Base]

    @property
    def model(self) -> type[Base]:
        return self.Meta.model

    def retrieve(self, session: Session, key: int) -> Base | None:
        return session.get(self.model, key)

    def create(self, session: Session) -> Base:
        instance = self.model(**self.model_dump())
        session.add(instance)
        session.commit()
        session.refresh(instance)
        return instance

    def update(self, instance: Base, session: Session) -> Base:
        for name, value in self.model_dump().items():
            setattr(instance, name, value)
        session.commit()
        session.refresh(instance)
        return instance


class ShelfIn(Request):
    name: str

    class Meta(Request.Meta):
        model = Shelf


def get_session():
    with Session(engine) as session:
        yield session


@app.post("/shelves", response_model=ShelfOut)
def add(request: ShelfIn, session: Session = Depends(get_session)):
    return request.create(session)


@app.put("/shelves/{key}", response_model=ShelfOut)
def change(key: int, request: ShelfIn, session: Session = Depends(get_session)):
    shelf = request.retrieve(session, key)
    return request.update(shelf, session)


@app.put("/shelves/{key}/as-it-is", response_model=ShelfOut)
def found(key: int, request: ShelfIn, session: Session = Depends(get_session)):
    return request.retrieve(session, key)


@app.post("/shelves/{key}/books/{title}")
def add_book(key: int, title: str, session: Session = Depends(get_session)):
    session.add(Book(title=title, shelf_id=key))
    session.commit()
    return {"title": title}
"""
_USE = """\
from fastapi.testclient import TestClient
from main import app

paths = ["/shelves", "/shelves/1/books/first", "/shelves/1", "/shelves/1/as-it-is"]
with TestClient(app) as client:
    for method, path in zip(["POST", "POST", "PUT", "PUT"], paths):
        print(client.request(method, path, json={"name": path}).text)
"""


@pytest.mark.parametrize("models", [_DECLARATIVE, _SQLMODEL], ids=["declarative", "sqlmodel"])
def test_its_relationships_load_for_the_response(models: str, tmp_path: Path) -> None:
    written(tmp_path, {"main.py": models + _MAIN})
    before = printed_anew(tmp_path, _USE)
    (tmp_path / "shelves.db").unlink()
    assert '"books":[{"title":"first"}]' in before
    write(tmp_path, "--all")
    after = tree(tmp_path)
    assert b"async def change(" in after["main.py"]
    assert printed_anew(tmp_path, _USE) == before
    (tmp_path / "shelves.db").unlink()
    write(tmp_path, "--all")
    assert tree(tmp_path) == after
