"""Response models that are dicts of schemas: `dict[str, int | OrgOut]`.

The code is executed before and after.
"""

from __future__ import annotations

from pathlib import Path

from support.migration import printed, write

_MODELS = """\
from sqlalchemy import ForeignKey, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, sessionmaker


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    org_id: Mapped[int] = mapped_column(ForeignKey("orgs.id"))


class Org(Base):
    __tablename__ = "orgs"

    id: Mapped[int] = mapped_column(primary_key=True)
    users: Mapped[list[User]] = relationship()


engine = create_engine("sqlite:///orgs.db")
SessionLocal = sessionmaker(bind=engine)


def make():
    Base.metadata.create_all(engine)
    with SessionLocal() as db:
        db.add(Org(users=[User(name="ann")]))
        db.commit()


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
"""

_MAIN = """\
from typing import Dict, List, Union

from fastapi import Depends, FastAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from models import Org, get_db

app = FastAPI()


class UserOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    name: str


class OrgOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    users: list[UserOut]


def answer(data):
    return {"status": 200, "data": data}


@app.get("/union", response_model=dict[str, int | OrgOut])
def union(db: Session = Depends(get_db)):
    return {"status": 200, "data": db.get(Org, 1)}


@app.get("/lists")
def lists(db: Session = Depends(get_db)) -> Dict[str, List[OrgOut]]:
    return {"data": db.query(Org).all()}


@app.get("/later", response_model=Dict[str, Union[int, OrgOut]])
def later(db: Session = Depends(get_db)):
    org = db.get(Org, 1)
    found = {"status": 200, "data": org}
    return found


@app.get("/helper", response_model=dict[str, int | OrgOut])
def helper(db: Session = Depends(get_db)):
    return answer(db.query(Org).first())


@app.get("/keys")
def keys(db: Session = Depends(get_db)) -> dict[str, OrgOut]:
    org = db.query(Org).first()
    return {str(org.id): org}
"""

_MAKE = "from models import make; make()"
_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    for path in ("union", "lists", "later", "helper", "keys"):
        print(client.get(path).text)
"""


def test_what_they_read_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "models.py").write_text(_MODELS)
    (tmp_path / "main.py").write_text(_MAIN)
    printed(tmp_path, _MAKE)
    before = printed(tmp_path, _USE)
    assert before.count('"users":[{"name":"ann"}]') == 5
    write(tmp_path, "--all")
    assert printed(tmp_path, _USE) == before
