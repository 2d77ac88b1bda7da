"""Declarative bases that a decorator makes: what their models read is awaited.

The code is executed before and after.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import printed_anew, tree, write

_MAIN = """\
from fastapi import Depends, FastAPI
from sqlalchemy import Column, ForeignKey, Integer, String, create_engine
from sqlalchemy.orm import Session, relationship, sessionmaker
{imports}

engine = create_engine("sqlite:///keys.db")
SessionLocal = sessionmaker(bind=engine)


{base}


class User(Base):
    __tablename__ = "users"

    id = Column(Integer, primary_key=True)
    name = Column(String(30))


class Key(Base):
    __tablename__ = "keys"

    id = Column(Integer, primary_key=True)
    user_id = Column(ForeignKey("users.id"))
    user = relationship(User)


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


app = FastAPI()


@app.on_event("startup")
def start():
    Base.metadata.create_all(engine)


@app.post("/keys")
def add(name: str, db: Session = Depends(get_db)):
    key = Key(user=User(name=name))
    db.add(key)
    db.commit()
    return key.id


@app.get("/keys/{{key_id}}")
def read(key_id: int, db: Session = Depends(get_db)):
    key = db.query(Key).filter(Key.id == key_id).one()
    return key.user.name
"""

_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    print(client.post("/keys?name=one").text, client.get("/keys/1").text)
"""

_REGISTRY = "from sqlalchemy.orm import registry"
_BODY = "class Base:\n    marked = True"
_SHAPES = {
    "as_declarative": {
        "imports": "from sqlalchemy.orm import as_declarative",
        "base": f"@as_declarative(class_registry={{}})\n{_BODY}",
    },
    "as_declarative_base": {
        "imports": _REGISTRY,
        "base": f"mapping = registry()\n\n\n@mapping.as_declarative_base()\n{_BODY}",
    },
}


@pytest.mark.parametrize("shape", list(_SHAPES))
def test_their_models_can_await_what_they_read(tmp_path: Path, shape: str) -> None:
    (tmp_path / "main.py").write_text(_MAIN.format(**_SHAPES[shape]))
    before = printed_anew(tmp_path, _USE)
    assert before.strip() == '1 "one"'
    write(tmp_path, "--all")
    code = (tmp_path / "main.py").read_text()
    assert "await key.awaitable_attrs.user" in code
    assert printed_anew(tmp_path, _USE) == before
    after = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == after, "a second run changes nothing"
