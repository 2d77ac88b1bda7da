"""Models without a declarative base: a decorator or a call maps them.

The code is executed before and after.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import printed_anew, tree, write

_DATABASE = """\
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

engine = create_engine("sqlite:///keys.db")
SessionLocal = sessionmaker(bind=engine)


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
"""

_MAIN = """\
from fastapi import Depends, FastAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from database import engine, get_db
from models import Key, User, mapping

app = FastAPI()


class KeyRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int
    label: str


class UserRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    name: str
    keys: list[KeyRead]


@app.on_event("startup")
def start():
    mapping.metadata.create_all(engine)


@app.post("/users/{name}")
def add(name: str, db: Session = Depends(get_db)):
    user = User(name=name)
    user.keys = [Key(label="first"), Key(label="second")]
    db.add(user)
    db.commit()
    return user.id


@app.get("/keys/{key_id}")
def read(key_id: int, db: Session = Depends(get_db)):
    key = db.query(Key).filter(Key.id == key_id).one()
    return key.user.name


@app.get("/users", response_model=list[UserRead])
def users(db: Session = Depends(get_db)):
    return db.query(User).order_by(User.name).all()


@app.get("/count/{name}")
def count(name: str, db: Session = Depends(get_db)):
    user = db.query(User).filter_by(name=name).first()
    if user is None:
        return 0
    return len(user.keys)


@app.put("/users/{name}")
def rename(name: str, new: str, db: Session = Depends(get_db)):
    user = db.query(User).filter(User.name == name).one()
    user.name = new
    db.commit()
    return {"name": user.name, "labels": [key.label for key in user.keys]}
"""

_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    print(client.post("/users/one").text, client.get("/keys/1").text, client.get("/users").text)
    print(client.get("/count/one").text, client.get("/count/two").text)
    print(client.put("/users/one?new=three").text)
"""

_MAPPED = """\
from sqlalchemy import Column, ForeignKey, Integer, String
from sqlalchemy.orm import registry, relationship

mapping = registry()


@mapping.mapped
class User:
    __tablename__ = "users"

    id = Column(Integer, primary_key=True)
    name = Column(String(30), unique=True)
    keys = relationship("Key", back_populates="user", order_by="Key.id")


@mapping.mapped
class Key:
    __tablename__ = "keys"

    id = Column(Integer, primary_key=True)
    label = Column(String(30))
    user_id = Column(ForeignKey("users.id"))
    user = relationship(User, back_populates="keys")
"""

_DATACLASS = """\
from __future__ import annotations

from typing import List, Optional

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, registry, relationship

mapping = registry()


@mapping.mapped_as_dataclass
class User:
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    name: Mapped[str] = mapped_column(String(30), unique=True)
    keys: Mapped[List[Key]] = relationship(
        back_populates="user", default_factory=list, order_by="Key.id"
    )


@mapping.mapped_as_dataclass(repr=False)
class Key:
    __tablename__ = "keys"

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    label: Mapped[str] = mapped_column(String(30))
    user_id: Mapped[Optional[int]] = mapped_column(ForeignKey("users.id"), init=False)
    user: Mapped[Optional[User]] = relationship(back_populates="keys", default=None)
"""

_FIELDS = """\
from __future__ import annotations

from dataclasses import dataclass, field
from typing import List, Optional

from sqlalchemy import Column, ForeignKey, Integer, String, Table
from sqlalchemy.orm import registry, relationship

mapping = registry()


@mapping.mapped
@dataclass
class User:
    __table__ = Table(
        "users",
        mapping.metadata,
        Column("id", Integer, primary_key=True),
        Column("name", String(30), unique=True),
    )
    id: int = field(init=False)
    name: Optional[str] = None
    keys: List[Key] = field(default_factory=list)

    __mapper_args__ = {
        "properties": {"keys": relationship("Key", back_populates="user", order_by="Key.id")}
    }


@mapping.mapped
@dataclass
class Key:
    __tablename__ = "keys"
    __sa_dataclass_metadata_key__ = "sa"

    id: int = field(init=False, metadata={"sa": Column(Integer, primary_key=True)})
    label: Optional[str] = field(default=None, metadata={"sa": Column(String(30))})
    user_id: int = field(init=False, metadata={"sa": Column(ForeignKey("users.id"))})
    user: Optional[User] = field(
        default=None, metadata={"sa": relationship(User, back_populates="keys")}
    )
"""

_IMPERATIVE = """\
from sqlalchemy import Column, ForeignKey, Integer, String, Table
from sqlalchemy.orm import registry, relationship

mapping = registry()

users = Table(
    "users",
    mapping.metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(30), unique=True),
)
keys = Table(
    "keys",
    mapping.metadata,
    Column("id", Integer, primary_key=True),
    Column("label", String(30)),
    Column("user_id", ForeignKey("users.id")),
)


class User:
    def __init__(self, name):
        self.name = name


class Key:
    def __init__(self, label):
        self.label = label


def start_mappers():
    key_mapper = mapping.map_imperatively(Key, keys)
    mapping.map_imperatively(
        User,
        users,
        properties={"keys": relationship(key_mapper, backref="user", order_by=keys.c.id)},
    )


start_mappers()
"""

_ELSEWHERE = (
    _IMPERATIVE[: _IMPERATIVE.index("class User:")]
    .replace("from sqlalchemy import", "from sqlalchemy import func, DateTime,", 1)
    .replace(
        "registry, relationship\n", "registry, relationship\n\nfrom domain import Key, User\n", 1
    )
    .replace('Column("label"', 'Column("seen", DateTime, onupdate=func.now()),\n    Column("label"')
    + _IMPERATIVE[_IMPERATIVE.index("def start_mappers") :]
)
_DOMAIN = """\
from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class User:
    name: str
    keys: list[Key] = field(default_factory=list)


@dataclass
class Key:
    label: str
    seen: datetime | None = None
"""

_SHAPES = {
    "mapped": _MAPPED,
    "mapped_as_dataclass": _DATACLASS,
    "fields": _FIELDS,
    "imperative": _IMPERATIVE,
}


@pytest.mark.parametrize("shape", list(_SHAPES))
def test_what_they_read_is_loaded(tmp_path: Path, shape: str) -> None:
    (tmp_path / "database.py").write_text(_DATABASE)
    (tmp_path / "models.py").write_text(_SHAPES[shape])
    (tmp_path / "main.py").write_text(_MAIN)
    before = printed_anew(tmp_path, _USE)
    assert '{"name":"three","labels":["first","second"]}' in before
    write(tmp_path, "--all")
    code = (tmp_path / "main.py").read_text()
    assert "await key.awaitable_attrs.user" in code
    assert "selectinload(User.keys)" in code
    assert "class User(AsyncAttrs):" in (tmp_path / "models.py").read_text()
    (tmp_path / "keys.db").unlink()
    assert printed_anew(tmp_path, _USE) == before
    after = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == after, "a second run changes nothing"


def test_a_domain_that_knows_no_database(tmp_path: Path) -> None:
    """The mapping is in another file, which alone says how it loads."""
    (tmp_path / "database.py").write_text(_DATABASE)
    (tmp_path / "domain.py").write_text(_DOMAIN)
    (tmp_path / "models.py").write_text(_ELSEWHERE)
    main = _MAIN.replace(
        'return {"name": user.name, "labels": [key.label for key in user.keys]}',
        """key = db.query(Key).filter(Key.label == "first").one()
    key.label = "last"
    db.flush()
    return {"seen": key.seen is not None}


class Shown:
    def __init__(self, key: Key):
        self.owner = key.user.name


@app.get("/shown/{key_id}")
def shown(key_id: int, db: Session = Depends(get_db)):
    return Shown(db.get(Key, key_id)).owner""",
    )
    (tmp_path / "main.py").write_text(main)
    use = f"{_USE}    print(client.get('/shown/1').text)\n"
    before = printed_anew(tmp_path, use)
    assert '{"seen":true}' in before
    said = write(tmp_path, "--all")
    assert "MA515" in said, "the arguments of such a mapping are for the user to write"
    domain, models = (tmp_path / "domain.py").read_text(), (tmp_path / "models.py").read_text()
    assert domain.count("(AsyncAttrs):") == 2
    assert "__mapper_args__" not in domain
    (tmp_path / "models.py").write_text(
        models.replace("(Key, keys)", "(Key, keys, eager_defaults=True)")
    )
    (tmp_path / "keys.db").unlink()
    assert printed_anew(tmp_path, use) == before
