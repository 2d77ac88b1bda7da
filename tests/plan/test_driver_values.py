"""Texts for columns of dates and times, which only the sync drivers accept, are converted."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.config import Settings
from migrate_async.model.plan import Step
from migrate_async.model.selection import EVERYTHING, Selection
from migrate_async.plan.planner import make_plan
from support.databases import fresh_database
from support.http_sequence import replay
from support.projects import project
from support.route_by_route import migrate

APPLICATION = """\
import os
from datetime import date, datetime, time
from typing import Generic, Optional, Type, TypeVar

from fastapi import Depends, FastAPI
from fastapi.encoders import jsonable_encoder
from pydantic import BaseModel
from sqlalchemy import Column, Date, DateTime, Integer, String, Time, create_engine
from sqlalchemy.orm import Session, declarative_base, sessionmaker

engine = create_engine(os.environ["DATABASE_URL"])
SessionLocal = sessionmaker(bind=engine)
Base = declarative_base()
app = FastAPI()
Model = TypeVar("Model", bound=Base)


class Event(Base):
    __tablename__ = "events"
    id = Column(Integer, primary_key=True)
    name = Column(String(20))
    day = Column(Date)
    starts = Column(DateTime)
    opens = Column(Time)
    noted = Column(DateTime(timezone=True))


class EventIn(BaseModel):
    name: Optional[str] = None
    day: Optional[date] = None
    starts: Optional[datetime] = None
    opens: Optional[time] = None
    noted: Optional[datetime] = None


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


class CRUDBase(Generic[Model]):
    def __init__(self, model: Type[Model]):
        self.model = model

    def create(self, db: Session, obj_in: BaseModel) -> Model:
        obj_in_data = jsonable_encoder(obj_in)
        db_obj = self.model(**obj_in_data)
        db.add(db_obj)
        db.commit()
        db.refresh(db_obj)
        return db_obj


events = CRUDBase(Event)


@app.on_event("startup")
def prepare():
    Base.metadata.create_all(bind=engine)


def shown(event):
    return {name: getattr(event, name) for name in ("id", "name", "day", "starts", "opens")}


@app.post("/generic")
def generic(data: EventIn, db: Session = Depends(get_db)):
    return shown(events.create(db, obj_in=data))


@app.post("/events")
def create(data: EventIn, db: Session = Depends(get_db)):
    event = Event(**jsonable_encoder(data, exclude_unset=True))
    db.add(event)
    db.commit()
    return {**shown(event), "noted": event.noted and event.noted.timestamp()}


@app.put("/events/{id}")
def update(id: int, data: EventIn, db: Session = Depends(get_db)):
    event = db.query(Event).filter(Event.id == id).first()
    given = jsonable_encoder(data, exclude_unset=True)
    for name in given:
        setattr(event, name, given[name])
    db.commit()
    return shown(event)
"""

WHOLE = {"name": "fair", "day": "2030-01-31", "starts": "2030-01-31T09:30:00", "opens": "08:15:00"}
REQUESTS = [
    {"method": "POST", "path": "/generic", "json": WHOLE},
    {"method": "POST", "path": "/events", "json": {**WHOLE, "noted": "2030-01-31T09:30:00Z"}},
    {"method": "POST", "path": "/events", "json": {"starts": "2030-01-31T09:30:00+02:00"}},
    {"method": "POST", "path": "/events", "json": {"name": "2030-01-31"}},
    {"method": "PUT", "path": "/events/1", "json": {"day": "2031-02-01", "opens": None}},
]


@pytest.mark.parametrize("selection", [EVERYTHING, Selection(routes=("PUT /events/{id}",))])
async def test_what_was_written_is_what_psycopg2_had_written(
    selection: Selection, tmp_path: Path
) -> None:
    for name in ("before", "after"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "main.py").write_text(APPLICATION)
    migrate(tmp_path / "after", selection)
    answers = {}
    for name, driver in (("before", "postgresql+psycopg2"), ("after", "postgresql")):
        async with fresh_database("postgresql", tmp_path) as url:
            env = {"DATABASE_URL": url.replace("postgresql", driver, 1)}
            answers[name] = replay(tmp_path / name, REQUESTS, app="main:app", env=env)
    assert [answer["status"] for answer in answers["before"]] == [200] * len(REQUESTS)
    assert answers["after"] == answers["before"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "", 3),
        ('os.environ["DATABASE_URL"]', '"sqlite://"', 0),  # it takes no texts either
        ("jsonable_encoder(data, exclude_unset=True)", "data.dict()", 1),
        ("Date)", "String(20))", 3),
    ],
)
def test_it_is_said_where_a_column_may_get_a_text(old: str, new: str, expected: int) -> None:
    files = {"main.py": APPLICATION.replace(old, new) if old else APPLICATION}
    found = make_plan(project(files), Step.ALL, Settings()).diagnostics
    assert len([item for item in found if item.code == "MA412"]) == expected


def test_models_without_such_columns_are_left_alone() -> None:
    text = APPLICATION
    for kind in ("Date)", "DateTime)", "Time)", "DateTime(timezone=True))"):
        text = text.replace(f"Column({kind}", "Column(String(30))")
    found = make_plan(project({"main.py": text}), Step.ALL, Settings()).diagnostics
    assert not [item for item in found if item.code == "MA412"]
