"""Objects that `self` keeps beside a session, and what methods and properties read of them.

The code is executed before, when half of the routes have migrated, and after.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import printed_anew, tree, write

_MAIN = """\
from collections import defaultdict

from fastapi import Depends, FastAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ForeignKey, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship
from sqlalchemy.orm import sessionmaker

engine = create_engine("sqlite:///shop.db")
SessionLocal = sessionmaker(bind=engine, expire_on_commit=False)


class Base(DeclarativeBase):
    pass


class Artefact(Base):
    __tablename__ = "artefacts"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    builds: Mapped[list["Build"]] = relationship(back_populates="artefact")

    @property
    def latest(self) -> list["Build"]:
        grouped = defaultdict(list)
        for build in self.builds:
            grouped[build.arch].append(build)
        return [max(builds, key=lambda b: b.id) for builds in grouped.values()]

    @property
    def archs(self) -> list[str]:
        return sorted({build.arch for build in self.builds})


class Build(Base):
    __tablename__ = "builds"

    id: Mapped[int] = mapped_column(primary_key=True)
    arch: Mapped[str]
    artefact_id: Mapped[int] = mapped_column(ForeignKey("artefacts.id"))
    artefact: Mapped[Artefact] = relationship(back_populates="builds")
    runs: Mapped[list["Run"]] = relationship(back_populates="build")


class Run(Base):
    __tablename__ = "runs"

    id: Mapped[int] = mapped_column(primary_key=True)
    build_id: Mapped[int] = mapped_column(ForeignKey("builds.id"))
    build: Mapped[Build] = relationship(back_populates="runs")


class BuildOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    arch: str


class ArtefactOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    name: str
    latest: list[BuildOut]


Base.metadata.create_all(engine)
app = FastAPI()


def get_db():
    with SessionLocal() as db:
        yield db


def get_or_create(db: Session, model, **values):
    instance = db.query(model).filter_by(**values).first()
    if instance:
        return instance
    instance = model(**values)
    db.add(instance)
    db.flush()
    return instance


class Start:
    def __init__(self, name: str, arch: str | None = None, db: Session = Depends(get_db)):
        self.name = name
        self.given = arch
        self.db = db

    def execute(self):
        self.make_artefact()
        self.arch = self.resolve()
        self.make_build()
        self.db.add(Run(build_id=self.build.id))
        self.db.flush()
        count = self.count()
        known = self.known()
        self.db.commit()
        return [self.arch, count, known]

    def make_artefact(self):
        self.artefact = get_or_create(self.db, Artefact, name=self.name)

    def resolve(self):
        if self.given is not None:
            return self.given
        return self.artefact.archs[0]

    def make_build(self):
        self.build = get_or_create(
            self.db, Build, arch=self.arch, artefact_id=self.artefact.id
        )

    def count(self):
        self.db.flush()
        return sum(len(b.runs) for b in self.artefact.latest)

    def known(self):
        return [run.id > 0 for b in self.artefact.latest for run in b.runs]


@app.post("/start")
def start(starter: Start = Depends(Start)):
    return starter.execute()


@app.get("/artefacts", response_model=list[ArtefactOut])
def artefacts(db: Session = Depends(get_db)):
    return db.scalars(select(Artefact)).all()
"""

_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    for name in ("a", "b", "a"):
        for arch in ({"arch": "x"}, {"arch": "y"}, {}):
            print(client.post("/start", params={"name": name, **arch}).text)
    print(client.get("/artefacts").text)
"""


def _used(folder: Path) -> str:
    return printed_anew(folder, _USE)


@pytest.mark.parametrize("first", ["/start", "/artefacts"])
def test_what_methods_read_of_kept_objects_is_loaded_where_they_read_it(
    first: str, tmp_path: Path
) -> None:
    """New objects have no queries, and what is loaded too early is old when it is read."""
    (tmp_path / "main.py").write_text(_MAIN)
    before = _used(tmp_path)
    assert '"a","latest":[{"arch":"x"},{"arch":"y"}]' in before

    write(tmp_path, "--route", first)
    assert _used(tmp_path) == before
    said = write(tmp_path, "--all", "--allow-dirty")
    assert "MA501" not in said
    text = (tmp_path / "main.py").read_text()
    assert "selectinload(Artefact.builds)" in text
    assert "async def resolve(self):" in text
    assert _used(tmp_path) == before

    after = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == after, "a second run changes nothing"
