"""Sync code that reads a property of an object that it keeps: executed, before and after."""

from __future__ import annotations

from pathlib import Path

from migrate_async.model.selection import EVERYTHING
from support.http_sequence import replay
from support.route_by_route import migrate

APP = '''\
import os

from fastapi import Depends, FastAPI
from sqlalchemy import Column, ForeignKey, Integer, String, create_engine
from sqlalchemy.orm import Session, declarative_base, relationship, sessionmaker

engine = create_engine(os.environ["DATABASE_URL"])
SessionLocal = sessionmaker(engine)
Base = declarative_base()
app = FastAPI()


class Artefact(Base):
    __tablename__ = "artefacts"
    id = Column(Integer, primary_key=True)
    builds = relationship("Build")

    @property
    def architectures(self):
        return {build.arch for build in self.builds}


class Build(Base):
    __tablename__ = "builds"
    id = Column(Integer, primary_key=True)
    arch = Column(String)
    artefact_id = Column(ForeignKey("artefacts.id"))


class Starter:
    """Keeps an object that somebody gives it."""

    def __init__(self, artefact: Artefact):
        self.artefact = artefact

    def start(self):
        return sorted(self.artefact.architectures)


class Service:
    """Keeps an object that it has loaded itself."""

    def __init__(self, db: Session):
        self.db = db

    def load(self, number):
        self.artefact = self.db.query(Artefact).filter(Artefact.id == number).one()

    def names(self):
        return sorted(self.artefact.architectures)


def get_db():
    with SessionLocal() as db:
        yield db


Base.metadata.create_all(engine)


@app.post("/artefacts")
def add(db: Session = Depends(get_db)):
    db.add(Artefact(builds=[Build(arch="riscv64"), Build(arch="amd64")]))
    db.commit()


@app.get("/kept/{number}")
def kept(number: int, db: Session = Depends(get_db)):
    return Starter(db.get(Artefact, number)).start()


@app.get("/loaded/{number}")
def loaded(number: int, db: Session = Depends(get_db)):
    service = Service(db)
    service.load(number)
    return service.names()
'''
REQUESTS = [
    {"method": "POST", "path": "/artefacts"},
    {"method": "GET", "path": "/kept/1"},
    {"method": "GET", "path": "/loaded/1"},
]


def test_the_answers_are_the_same(tmp_path: Path) -> None:
    for name in ("before", "after"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "main.py").write_text(APP)
    migrate(tmp_path / "after", EVERYTHING)
    before = replay(tmp_path / "before", REQUESTS, app="main:app")
    after = replay(tmp_path / "after", REQUESTS, app="main:app", driver="sqlite+aiosqlite")
    assert [answer["status"] for answer in before] == [200] * 3
    assert after == before
    text = (tmp_path / "after" / "main.py").read_text()
    assert "async def loaded" in text
    assert 'relationship("Build", lazy="selectin"' in text


_SETTERS = """

from pydantic import BaseModel, ConfigDict
from sqlalchemy import func, select
from sqlalchemy.ext.hybrid import hybrid_property


class Part(Base):
    __tablename__ = "parts"
    id = Column(Integer, primary_key=True)
    name = Column(String)
    set_id = Column(ForeignKey("sets.id"))


class Set(Base):
    __tablename__ = "sets"
    id = Column(Integer, primary_key=True)
    parts = relationship(Part)

    @property
    def names(self):
        return sorted(part.name for part in self.parts)

    @names.setter
    def names(self, names):
        self.wanted = names

    @hybrid_property
    def number(self):
        return len(self.parts)

    @number.expression
    def number(cls):
        found = select(func.count(Part.id)).where(Part.set_id == cls.id)
        return found.scalar_subquery()


Base.metadata.create_all(engine)


class SetOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    names: list[str]


class NumberOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    number: int


@app.post("/sets", response_model=SetOut)
def make_set(db: Session = Depends(get_db)):
    made = Set(parts=[Part(name=name) for name in "yx"])
    made.names = []
    db.add(made)
    db.commit()
    return made


@app.get("/sets", response_model=list[SetOut])
def sets(db: Session = Depends(get_db)):
    return db.query(Set).all()


@app.get("/numbers", response_model=list[NumberOut])
def numbers(db: Session = Depends(get_db)):
    return db.query(Set).filter(Set.number == 2).all()
"""


def test_a_property_that_can_be_set_is_read_by_a_response(tmp_path: Path) -> None:
    requests = [
        {"method": "POST", "path": "/sets"},
        {"method": "GET", "path": "/sets"},
        {"method": "GET", "path": "/numbers"},
    ]
    (tmp_path / "app").mkdir()
    main = tmp_path / "app" / "main.py"
    main.write_text(APP + _SETTERS, encoding="utf-8")
    before = replay(main.parent, requests, app="main:app")
    assert [answer["json"] for answer in before[1:]] == [[{"names": ["x", "y"]}], [{"number": 2}]]
    migrate(main.parent, EVERYTHING)
    assert replay(main.parent, requests, app="main:app") == before
