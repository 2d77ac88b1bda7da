"""Dicts of objects that one function makes for several routes: the code is run before and after."""

from __future__ import annotations

from pathlib import Path

from support.migration import printed_anew, tree, write

_MAIN = """\
from fastapi import Depends, FastAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ForeignKey, create_engine
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    mapped_column,
    relationship,
    sessionmaker,
)

engine = create_engine("sqlite:///teams.db")
SessionLocal = sessionmaker(bind=engine)
app = FastAPI()


class Base(DeclarativeBase):
    pass


class Team(Base):
    __tablename__ = "teams"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    members: Mapped[list["Member"]] = relationship(back_populates="team")


class Member(Base):
    __tablename__ = "members"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"))
    team: Mapped[Team] = relationship(back_populates="members")


class Read(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class MemberName(Read):
    name: str


class TeamRead(Read):
    id: int
    name: str
    members: list[MemberName]


class MemberRead(Read):
    id: int
    name: str
    team_id: int


class TeamPage(BaseModel):
    items: list[TeamRead] = []
    total: int


class MemberPage(BaseModel):
    items: list[MemberRead] = []
    total: int


def model_named(name):
    for mapper in Base.registry.mappers:
        if mapper.class_.__name__ == name:
            return mapper.class_


def page(db: Session, name: str):
    model = model_named(name)
    query = db.query(model).enable_assertions(False)
    return {"items": query.all(), "total": query.count()}


def get_db():
    with SessionLocal() as db:
        yield db


@app.on_event("startup")
def fill():
    Base.metadata.create_all(engine)
    with SessionLocal() as db:
        db.add(Team(name="red", members=[Member(name="Ann"), Member(name="Bob")]))
        db.commit()


@app.get("/teams", response_model=TeamPage)
def teams(db: Session = Depends(get_db)):
    return page(db, "Team")


@app.get("/members", response_model=MemberPage)
def members(db: Session = Depends(get_db)):
    return page(db, "Member")


@app.get("/count")
def count(db: Session = Depends(get_db)):
    return db.query(Team).count()
"""

_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    for path in ("teams", "members", "count"):
        print(client.get(path).text)
"""


def _used(folder: Path) -> str:
    return printed_anew(folder, _USE)


def test_what_the_response_of_each_route_reads_is_loaded(tmp_path: Path) -> None:
    """Nobody knows which model it is: one that has all attributes of the schema."""
    (tmp_path / "main.py").write_text(_MAIN)
    before = _used(tmp_path)
    assert '"members":[{"name":"Ann"},{"name":"Bob"}]' in before
    write(tmp_path, "--all")
    text = (tmp_path / "main.py").read_text()
    assert "@lazy_response\nasync def teams(" in text
    assert ")\nasync def members(" in text, "its response reads nothing that is not loaded"
    assert "\ndef page(" in text
    assert "selectin" not in text
    assert _used(tmp_path) == before
    after = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == after, "a second run changes nothing"
