"""Routes that methods make, `router.add_api_route(path, self.all_func())`: run before and after."""

from __future__ import annotations

from pathlib import Path

from migrate_async.model.selection import EVERYTHING, Selection
from support.http_sequence import replay
from support.migration import command, tree, written
from support.route_by_route import migrate

_BASE = """\
import os
from contextlib import contextmanager

from sqlalchemy import Column, Integer, String, create_engine
from sqlalchemy.orm import declarative_base, sessionmaker

Base = declarative_base()
engine = create_engine(os.environ.get("DATABASE_URL", "sqlite:///own.db"))
SessionLocal = sessionmaker(bind=engine)


class Paper(Base):
    __tablename__ = "papers"
    id = Column(Integer, primary_key=True)
    title = Column(String)


class Book(Base):
    __tablename__ = "books"
    id = Column(Integer, primary_key=True)
    title = Column(String)


@contextmanager
def own_session():
    session = SessionLocal()
    try:
        yield session
    finally:
        session.close()


def get_db():
    with SessionLocal() as db:
        yield db
"""
_ROUTERS = """\
from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel
from sqlalchemy.orm import Session

from base import Book, Paper, get_db, own_session


class Titled(BaseModel):
    title: str


class ResourceRouter:
    model = None
    name = ""

    def create(self) -> APIRouter:
        router = APIRouter()
        path = f"/{self.name}"
        router.add_api_route(path, self.all_func(), name=f"All {self.name}")
        router.add_api_route(path=path, methods={"POST"}, endpoint=self.add_func())
        router.add_api_route(path + "/{id}", self.one_func())
        router.add_api_route(path + "/{id}", self.remove_func(), methods=["DELETE"])
        return router

    def all_func(self):
        def get_all():
            with own_session() as session:
                query = session.query(self.model).order_by(self.model.id)
                return [(x.id, x.title) for x in query.all()]

        return get_all

    def add_func(self):
        def add(body: Titled, db: Session = Depends(get_db)):
            item = self.model(title=body.title)
            db.add(item)
            db.commit()
            return self.shown(db, item.id)

        return add

    def one_func(self):
        def get_one(id: int, db: Session = Depends(get_db)):
            return self.shown(db, id)

        return get_one

    def remove_func(self):
        def remove(id: int, db: Session = Depends(get_db)):
            count = db.query(self.model).filter(self.model.id == id).delete()
            db.commit()
            return {"removed": count}

        return remove

    def shown(self, db: Session, id: int):
        found = db.query(self.model).filter(self.model.id == id).first()
        if found is None:
            raise HTTPException(404)
        return {"id": found.id, "title": found.title}


class PaperRouter(ResourceRouter):
    model = Paper
    name = "papers"


class BookRouter(ResourceRouter):
    model = Book
    name = "books"

    def shown(self, db: Session, id: int):
        return {**super().shown(db, id), "of": db.query(Book).count()}
"""
_MAIN = """\
from fastapi import FastAPI

from base import Base, engine
from routers import BookRouter, PaperRouter

Base.metadata.create_all(engine)
app = FastAPI()
for router in [PaperRouter(), BookRouter()]:
    app.include_router(router.create())
"""
_FILES = {"base.py": _BASE, "routers.py": _ROUTERS, "main.py": _MAIN}


def _answers(folder: Path) -> list[dict[str, object]]:
    requests = [
        {"method": method, "path": f"/{name}{rest}", **more}
        for name in ("papers", "books")
        for method, rest, more in (
            ("POST", "", {"json": {"title": "A"}}),
            ("POST", "", {"json": {"title": "B"}}),
            ("GET", "", {}),
            ("GET", "/2", {}),
            ("DELETE", "/2", {}),
            ("GET", "/2", {}),
            ("GET", "", {}),
        )
    ]
    return replay(folder, requests, app="main:app")


def test_what_a_method_makes_for_a_router_converts(tmp_path: Path) -> None:
    before = _answers(written(tmp_path / "before", _FILES))
    assert {answer["status"] for answer in before} == {200, 404}
    whole = written(tmp_path / "whole", _FILES)
    migrate(whole, EVERYTHING)
    text = (whole / "routers.py").read_text()
    for name in ("get_all", "add", "get_one", "remove"):
        assert f"        async def {name}(" in text
    assert text.count("    async def shown(") == 2
    assert _answers(whole) == before
    done = tree(whole)
    migrate(whole, EVERYTHING)
    assert tree(whole) == done, "a second run changes nothing"
    assert command(whole, "verify").returncode == 0
    for number, function in enumerate(("add_func.add", "all_func.get_all", "shown")):
        folder = written(tmp_path / str(number), _FILES)
        migrate(folder, Selection(functions=(f"routers.ResourceRouter.{function}",)))
        assert _answers(folder) == before, function
        migrate(folder, EVERYTHING)
        assert tree(folder) == done, f"{function} first"


def test_one_that_others_call_stays_sync(tmp_path: Path) -> None:
    """The script calls what the method returns; so would anybody."""
    job = "from routers import BookRouter\n\nprint(BookRouter().all_func()())\n"
    folder = written(tmp_path / "app", {**_FILES, "job.py": job})
    migrate(folder, EVERYTHING)
    text = (folder / "routers.py").read_text()
    assert "        def get_all(" in text
    assert "        async def add(" in text
