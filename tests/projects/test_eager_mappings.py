"""Relationships that the mapping loads with each query, read of objects that no query gave.

A new object has them not: a sync session loads them when they are read. The code is executed before
and after, at once and by halves.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import command, printed_anew, tree, write, written
from support.route_by_route import in_random_order

_MAIN = """\
from fastapi import Depends, FastAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ForeignKey, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.orm import relationship, sessionmaker

engine = create_engine("sqlite:///roles.db")
SessionLocal = sessionmaker(bind=engine)


class Base(DeclarativeBase):
    pass


class Role(Base):
    __tablename__ = "roles"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    grants = relationship("Grant", lazy=%s)


class Grant(Base):
    __tablename__ = "grants"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str]
    role_id: Mapped[int] = mapped_column(ForeignKey("roles.id"))


class GrantOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    code: str


class RoleOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    grants: list[GrantOut]


Base.metadata.create_all(engine)
app = FastAPI()


def get_db():
    with SessionLocal() as db:
        yield db


class Roles:
    def __init__(self, db: Session):
        self.db = db

    def get(self, name: str) -> Role | None:
        return self.db.query(Role).filter(Role.name == name).first()

    def create(self, name: str) -> Role:
        role = Role(name=name)
        self.db.add(role)
        self.db.flush()
        return role


@app.post("/found-or-made/{name}")
def found_or_made(name: str, db: Session = Depends(get_db)):
    roles = Roles(db)
    role = roles.get(name)
    if role is None:
        role = roles.create(name)
    codes = {grant.code for grant in role.grants}
    if not codes:
        role.grants = [Grant(code="x")]
    db.commit()
    return sorted(codes)


@app.post("/made/{name}")
def made(name: str, db: Session = Depends(get_db)):
    role = Role(name=name)
    db.add(role)
    db.flush()
    return len(role.grants)


@app.post("/committed/{name}")
def committed(name: str, db: Session = Depends(get_db)):
    role = Role(name=name)
    db.add(role)
    db.commit()
    return [grant.code for grant in role.grants]


@app.post("/shown/{name}", response_model=RoleOut)
def shown(name: str, db: Session = Depends(get_db)):
    return Roles(db).create(name)
"""

_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    for path in ("found-or-made", "found-or-made", "made", "committed", "shown"):
        print(client.post(f"/{path}/{path}").text)
"""
_ANSWERS = '[]\n["x"]\n0\n[]\n{"grants":[]}\n'


@pytest.mark.parametrize("lazy", ["joined", "selectin", "subquery", "immediate", False])
def test_new_objects_load_them_when_they_are_read(tmp_path: Path, lazy: str | bool) -> None:
    folder = written(tmp_path / "app", {"main.py": _MAIN % repr(lazy), "pyproject.toml": ""})
    assert printed_anew(folder, _USE) == _ANSWERS
    write(folder, "--all")
    assert printed_anew(folder, _USE) == _ANSWERS
    assert command(folder, "verify").stdout == "Nothing found.\n"
    done = tree(folder)
    write(folder, "--all", "--allow-dirty")
    assert tree(folder) == done, "a second run changes nothing"


def test_in_each_state(tmp_path: Path) -> None:
    folder = written(tmp_path / "app", {"main.py": _MAIN % '"joined"', "pyproject.toml": ""})
    for route in in_random_order(folder, 1):
        assert printed_anew(folder, _USE) == _ANSWERS, route
