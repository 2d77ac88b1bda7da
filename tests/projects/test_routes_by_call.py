"""`router.get("/shelves")(service.shelves)`: a route by a call, whose function stands elsewhere.

Executed before, after each route and after all.
"""

from __future__ import annotations

from pathlib import Path

from migrate_async.model.selection import EVERYTHING
from support.migration import printed, tree
from support.route_by_route import in_random_order, migrate

_MODELS = """\
from typing import Annotated, Iterator

from fastapi import Depends
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ForeignKey, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.orm import relationship, sessionmaker

engine = create_engine("sqlite:///books.db")
SessionLocal = sessionmaker(bind=engine)


class Base(DeclarativeBase):
    pass


class Shelf(Base):
    __tablename__ = "shelves"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    books: Mapped[list["Book"]] = relationship(order_by="Book.id")


class Book(Base):
    __tablename__ = "books"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    shelf_id: Mapped[int] = mapped_column(ForeignKey("shelves.id"))


class BookRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    title: str


class ShelfRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    name: str
    books: list[BookRead]


Base.metadata.create_all(engine)


def get_db() -> Iterator[Session]:
    with SessionLocal() as db:
        yield db


SessionDep = Annotated[Session, Depends(get_db)]
"""
_SERVICE = """\
from sqlalchemy import select

from models import Book, SessionDep, Shelf, ShelfRead


def read_many(db: SessionDep) -> list[ShelfRead]:
    return db.scalars(select(Shelf).order_by(Shelf.id)).all()


def read_one(db: SessionDep, name: str):
    return db.scalars(select(Shelf).where(Shelf.name == name)).first()


def create_one(db: SessionDep, name: str, title: str) -> ShelfRead:
    shelf = Shelf(name=name, books=[Book(title=title)])
    db.add(shelf)
    db.commit()
    return shelf
"""
_MAIN = """\
from fastapi import APIRouter, FastAPI

import service
from models import ShelfRead

app = FastAPI()
router = APIRouter(prefix="/shelves")


def register() -> None:
    router.get("")(service.read_many)
    router.get("/one", response_model=ShelfRead)(service.read_one)
    router.post("")(service.create_one)


register()
app.include_router(router)
"""
_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    for name in "ab":
        print(client.post("/shelves", params={"name": name, "title": name * 2}).text)
    print(client.get("/shelves").text, client.get("/shelves/one", params={"name": "b"}).text)
"""


def _written(folder: Path) -> Path:
    folder.mkdir()
    for name, text in (("models", _MODELS), ("service", _SERVICE), ("main", _MAIN)):
        (folder / f"{name}.py").write_text(text)
    (folder / "pyproject.toml").write_text("")
    return folder


def _used(folder: Path) -> str:
    try:
        return printed(folder, _USE)
    finally:
        (folder / "books.db").unlink(missing_ok=True)


def test_what_is_registered_by_a_call_converts(tmp_path: Path) -> None:
    once = _written(tmp_path / "once")
    before = _used(once)
    assert before.count('"books"') == 5
    migrate(once, EVERYTHING)
    assert _used(once) == before
    done = tree(once)
    for name in (b"read_many", b"read_one", b"create_one"):
        assert b"async def " + name in done["service.py"]
    migrate(once, EVERYTHING)
    assert tree(once) == done, "a second run changes nothing"
    steps = _written(tmp_path / "steps")
    routes = []
    for route in in_random_order(steps, 1):
        assert _used(steps) == before, route
        routes.append(route)
    assert "GET /shelves/one" in routes
    assert tree(steps) == done
