"""Names that hold an ORM object first and a schema later: only the one has `awaitable_attrs`.

The code is executed before and after.
"""

from __future__ import annotations

from pathlib import Path

from support.migration import printed, write

_APP = """\
from fastapi import Depends, FastAPI, Request
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ForeignKey, create_engine
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    joinedload,
    mapped_column,
    relationship,
    sessionmaker,
)


class Base(DeclarativeBase):
    pass


class Role(Base):
    __tablename__ = "roles"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    role_id: Mapped[int] = mapped_column(ForeignKey("roles.id"))
    role: Mapped[Role] = relationship()


class RoleOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    name: str


class UserOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    role: RoleOut


engine = create_engine("sqlite:///users.db")
SessionLocal = sessionmaker(bind=engine)
Base.metadata.create_all(engine)
app = FastAPI()


@app.on_event("startup")
def fill():
    with SessionLocal() as db:
        db.merge(Role(id=1, name="admin"))
        db.merge(User(id=1, role_id=1))
        db.commit()


def get_db():
    with SessionLocal() as db:
        yield db


def current_user(request: Request, db: Session = Depends(get_db)):
    user = {"id": int(request.query_params.get("id", 0))}
    if user["id"]:
        user = db.query(User).options(joinedload(User.role)).filter(User.id == user["id"]).first()
        return UserOut.model_validate(user)
    else:
        user = UserOut(role=RoleOut(name="guest"))
        return user


def admin(user: UserOut = Depends(current_user)):
    return "admin" in user.role.name


@app.get("/admin")
def read(is_admin: bool = Depends(admin), db: Session = Depends(get_db)):
    return is_admin, db.query(User).count()


def shown(user):
    return user.role.name


@app.get("/role")
def role(id: int, db: Session = Depends(get_db)):
    if id:
        found = db.get(User, id)
    else:
        found = UserOut(role=RoleOut(name="nobody"))
    return found.role.name
"""
_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from app import app
with TestClient(app) as client:
    for path in ("/admin", "/admin?id=1", "/role?id=0", "/role?id=1"):
        print(client.get(path).text)
"""


def test_they_are_read_without_an_await(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(_APP)
    before = printed(tmp_path, _USE)
    assert before.split() == ["[false,1]", "[true,1]", '"nobody"', '"admin"']
    write(tmp_path, "--all")
    assert printed(tmp_path, _USE) == before
