"""Pages that a `TypedDict` describes: of what is in them it says less than the code knows.

Executed before the migration and after all of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from migrate_async.model.selection import EVERYTHING
from support.http_sequence import replay
from support.migration import command, tree, written
from support.route_by_route import migrate

MAIN = """\
import os
from typing import Any, Dict, Generic, List, Optional, TypedDict, TypeVar

from fastapi import Depends, FastAPI, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Column, ForeignKey, Integer, String, create_engine
from sqlalchemy.orm import Query, Session, declarative_base, relationship, sessionmaker

engine = create_engine(os.environ["DATABASE_URL"], connect_args={"check_same_thread": False})
SessionLocal = sessionmaker(engine)
Base = declarative_base()
app = FastAPI()
T = TypeVar("T")


class Person(Base):
    __tablename__ = "people"
    id = Column(Integer, primary_key=True)
    name = Column(String)


class Note(Base):
    __tablename__ = "notes"
    id = Column(Integer, primary_key=True)
    text = Column(String)
    author_id = Column(ForeignKey("people.id"))
    author = relationship("Person")


class PersonRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    name: str


class NoteRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    text: str
    author: PersonRead


class NoteDetail(NoteRead):
    level: Optional[str] = None
    is_shown: bool = Field(default=True)


class Paginated(BaseModel, Generic[T]):
    count: int
    results: List[T]


class Answer(TypedDict):
    count: int
    results: List[Dict[str, Any]]


class Pagination:
    def __init__(self, response: Response, limit: int = 5):
        self._response = response
        self.limit = limit

    def paginate(self, query: Query) -> Query:
        return query.limit(self.limit)

    def response(self, query: Query, processor=lambda found: found) -> Answer:
        count = query.count()
        self._response.headers["Resource-Count"] = str(count)
        return {"results": [processor(item) for item in self.paginate(query)], "count": count}


def get_db():
    with SessionLocal() as db:
        yield db


@app.on_event("startup")
def start():
    Base.metadata.create_all(bind=engine)
    with SessionLocal() as db:
        db.add(Note(text="a", author=Person(name="Ann")))
        db.add(Note(text="b", author=Person(name="Bob")))
        db.commit()


async def get_notes(db: Session = Depends(get_db), pagination: Pagination = Depends()):
    return pagination.response(db.query(Note).order_by(Note.id))


@app.get("/notes", response_model=Paginated[NoteRead])
async def notes(found=Depends(get_notes)):
    return found


@app.get("/more", response_model=Paginated[NoteDetail])
def more(db: Session = Depends(get_db), pagination: Pagination = Depends()):
    return pagination.response(db.query(Note).order_by(Note.id), lambda item: item)
"""
REQUESTS = [
    {"method": "GET", "path": path} for path in ("/notes", "/more?limit=1", "/notes?limit=1")
]


def test_what_they_hold_is_loaded(tmp_path: Path) -> None:
    folder = written(tmp_path, {"main.py": MAIN})
    expected = _answers(folder, "sqlite")
    assert [answer["status"] for answer in expected] == [200, 200, 200]
    migrate(folder, EVERYTHING)
    assert _answers(folder, "sqlite+aiosqlite") == expected
    done = tree(folder)
    migrate(folder, EVERYTHING)
    assert tree(folder) == done
    assert command(folder, "verify").returncode == 0


def _answers(folder: Path, driver: str) -> list[dict[str, Any]]:
    return replay(folder, REQUESTS, app="main:app", driver=driver)
