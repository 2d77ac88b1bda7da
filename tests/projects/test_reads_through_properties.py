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
