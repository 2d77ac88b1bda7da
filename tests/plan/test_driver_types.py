"""Comparisons that only the sync drivers accept are converted, and said so."""

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

SOURCE = """
    from pydantic import BaseModel
    from sqlalchemy import Column, Integer, String, create_engine
    from sqlalchemy.orm import Session, declarative_base

    Base = declarative_base()

    class User(Base):
        __tablename__ = "users"
        id = Column(Integer, primary_key=True)
        name = Column(String)

    class Token(BaseModel):
        id: str
        number: int

    engine = create_engine("{url}")

    def find(db: Session, token: Token):
        return db.query(User).filter({condition}).first()
"""


def codes(condition: str, url: str = "postgresql://localhost/books") -> list[str]:
    files = {"app.py": SOURCE.format(condition=condition, url=url)}
    found = make_plan(project(files), Step.ALL, Settings())
    return [item.code for item in found.diagnostics if item.code == "MA411"]


def test_an_integer_compared_with_a_string_is_reported() -> None:
    assert codes("User.id == token.id") == ["MA411"]
    assert codes("token.id == User.id") == ["MA411"]


def test_equal_types_are_not() -> None:
    assert codes("User.id == token.number") == []
    assert codes("User.name == token.id") == []
    assert codes("User.id == int(token.id)") == []


@pytest.mark.parametrize(
    ("value", "expected"), [("str(start)", ["MA414"]), ("token.id", ["MA414"]), ("start", [])]
)
def test_a_date_compared_with_a_string_is_reported(value: str, expected: list[str]) -> None:
    text = SOURCE.format(condition=f"User.born >= {value}", url="postgresql://localhost/books")
    text = text.replace("import Column,", "import Column, Date,").replace(
        "        name = Column(String)",
        "        name = Column(String)\n        born = Column(Date)",
    )
    text = text.replace("def find(db: Session,", "def find(db: Session, start: date,")
    text = text.replace("    from pydantic", "    from datetime import date\n    from pydantic")
    found = make_plan(project({"app.py": text}), Step.ALL, Settings())
    assert [item.code for item in found.diagnostics if item.code == "MA414"] == expected


@pytest.mark.parametrize("url", ["sqlite:///books.db", "mysql+pymysql://localhost/books"])
def test_databases_that_compare_them_are_left_alone(url: str) -> None:
    assert codes("User.id == token.id", url) == []


UNTYPED = """
    from typing import Generic, Type, TypeVar

    from sqlalchemy import Column, Integer, String, create_engine
    from sqlalchemy.orm import Session, declarative_base

    Base = declarative_base()
    engine = create_engine("postgresql://localhost/books")
    M = TypeVar("M", bound=Base)

    class User(Base):
        __tablename__ = "users"
        id = Column(Integer, primary_key=True)

    class Token(Base):
        __tablename__ = "tokens"
        id = Column({token}, primary_key=True)

    class Repository(Generic[M]):
        def __init__(self, model: Type[M]):
            self.model = model

        def get(self, db: Session, key):
            return db.query(self.model).filter(self.model.id == key).first()

    def load(db: Session, key: {key}):
        return Repository(User).get(db, key)
"""


@pytest.mark.parametrize(
    ("token", "key", "expected"),
    [
        ("Integer", "str", ["MA411"]),
        ("Integer", "int", []),
        ("String", "str", []),  # the text may be meant for a column of texts
    ],
)
def test_what_callers_pass_counts_where_nothing_is_annotated(
    token: str, key: str, expected: list[str]
) -> None:
    files = {"app.py": UNTYPED.format(token=token, key=key)}
    found = make_plan(project(files), Step.ALL, Settings())
    assert [item.code for item in found.diagnostics if item.code == "MA411"] == expected


@pytest.mark.parametrize(("kind", "expected"), [("Base", ["MA411"]), ("BaseModel", [])])
def test_only_mapped_classes_are_given_integers(kind: str, expected: list[str]) -> None:
    text = UNTYPED.format(token="Integer", key="int")
    text = text.replace("    from typing", "    from pydantic import BaseModel\n    from typing", 1)
    text = text.replace("bound=Base", f"bound={kind}")
    make = "        def make(self, db: Session, number: str):\n"
    make += "            db.add(self.model(id=number))\n            db.commit()\n\n"
    text = text.replace("        def get", f"{make}        def get")
    found = make_plan(project({"app.py": text}), Step.ALL, Settings())
    assert [item.code for item in found.diagnostics if item.code == "MA411"] == expected


APPLICATION = """\
import os
from typing import Any, Generic, Type, TypeVar

from datetime import datetime, timezone

from fastapi import Depends, FastAPI, Request
from sqlalchemy import BigInteger, Column, DateTime, Integer, String, create_engine
from sqlalchemy.orm import Session, declarative_base, sessionmaker

engine = create_engine(os.environ["DATABASE_URL"])
SessionLocal = sessionmaker(bind=engine)
Base = declarative_base()
app = FastAPI()


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(String(20))
    seen = Column(DateTime, default=lambda: datetime(2026, 1, 2, tzinfo=timezone.utc))


class Large(Base):
    __tablename__ = "large"
    id = Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


Model = TypeVar("Model", bound=Base)


class Repository(Generic[Model]):
    def __init__(self, model: Type[Model]):
        self.model = model

    def get(self, db: Session, key: Any):
        return db.query(self.model).filter(self.model.id == key).all()

    def add(self, db: Session, id: int, **values):
        item = self.model(id=id, **values)
        db.add(item)
        db.commit()
        return item.name


users = Repository(User)


def find(db: Session, key):
    return db.query(User).filter(User.id == key).all()


@app.on_event("startup")
def fill():
    Base.metadata.drop_all(bind=engine)
    Base.metadata.create_all(bind=engine)
    db = SessionLocal()
    try:
        db.add_all([User(id=7, name="Ann"), User(id=8, name="Bob")])
        db.commit()
    finally:
        db.close()


@app.get("/users/{key}")
def read(key: str, db: Session = Depends(get_db)):
    return [user.name for user in db.query(User).filter(User.id == key).all()]


@app.get("/found/{key}")
def found(key: str, db: Session = Depends(get_db)):
    return [user.name for user in find(db, key)]


@app.get("/generic/{key}")
def generic(key: str, db: Session = Depends(get_db)):
    return [user.name for user in users.get(db, key=key)]


@app.get("/promised/{key}")
def promised(key: str, db: Session = Depends(get_db)):
    return [user.name for user in numbered(db, key)]


def numbered(db: Session, key: int):
    return db.query(User).filter(User.id == key).all()


def current(request: Request, db: Session = Depends(get_db)):
    return numbered(db, key=request.path_params["key"])


@app.get("/current/{key}")
def read_current(users=Depends(current)):
    return [(user.name, user.seen) for user in users]


def large(db: Session, key: int):
    return db.query(Large).filter(Large.id == key).one_or_none()


def of_path(request: Request, db: Session = Depends(get_db)):
    if "key" in request.path_params:
        wanted = request.path_params["key"]
        return large(db, wanted)


@app.get("/large/{key}")
def read_large(found=Depends(of_path)):
    return found is None


@app.get("/asked")
def asked(request: Request, db: Session = Depends(get_db)):
    early = User.seen < datetime(2026, 1, 3, tzinfo=timezone.utc)
    users = db.query(User).filter(User.id == request.query_params["key"], early)
    return [user.name for user in users.all()]


@app.post("/added/{key}")
def added(key: str, db: Session = Depends(get_db)):
    return users.add(db, key, name="Cleo")


@app.post("/made/{key}")
def made(key: str, db: Session = Depends(get_db)):
    user = User(id=key, name="Dora")
    db.add(user)
    db.commit()
    return user.name


@app.get("/numbers/{key}")
def numbers(key: int, db: Session = Depends(get_db)):
    return [user.name for user in users.get(db, key=key)]


@app.get("/members/{keys}")
def members(keys: str, db: Session = Depends(get_db)):
    ids = keys.split(",")
    return [user.name for user in db.query(User).filter(User.id.in_(ids)).all()]


def options(model: Any, asked: dict) -> list:
    found = []
    for name, texts in asked.items():
        column = getattr(model, name, None)
        if column is not None:
            found.append(column.in_([text.strip() for text in texts.split(",")]))
    return found


@app.get("/options")
def by_options(request: Request, db: Session = Depends(get_db)):
    found = options(User, dict(request.query_params))
    return [user.name for user in db.query(User).filter(*found).all()]


@app.get("/others/{key}")
def others(key: str, db: Session = Depends(get_db)):
    return [user.name for user in db.query(User).filter(key != User.id).all()]
"""


@pytest.mark.parametrize("selection", [EVERYTHING, Selection(routes=("GET /numbers/{key}",))])
@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
async def test_answers_are_those_of_psycopg2(
    backend: str, selection: Selection, tmp_path: Path
) -> None:
    """Also those of routes that have not migrated, whose session is on the async driver, too."""
    paths = ["/users/7", "/users/%207", "/users/+8", "/users/none", "/users/7x", "/others/7"]
    paths += ["/found/7", "/found/x", "/generic/7", "/generic/x", "/numbers/7"]
    paths += ["/promised/7", "/promised/x", "/current/7", "/current/x", "/asked?key=7"]
    paths += [
        "/large/7",
        "/large/x",
        "/members/7,8",
        "/members/8,%209",
        "/members/7,x",
        "/options?id=8,+9&name=Ann,Bob",
    ]
    paths += ["/options?id=7", "/options?id=7,x", "/options?name=8"]
    requests = [{"method": "GET", "path": path} for path in paths]
    requests += [{"method": "POST", "path": path} for path in ("/added/9", "/made/10", "/made/x")]
    requests += [{"method": "GET", "path": path} for path in ("/users/9", "/users/10")]
    for name in ("before", "after"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "main.py").write_text(APPLICATION)
    migrate(tmp_path / "after", selection)
    drivers = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg2"}
    async with fresh_database(backend, tmp_path) as url:
        old = url.replace(backend, drivers[backend], 1)
        before = replay(tmp_path / "before", requests, app="main:app", env={"DATABASE_URL": old})
        after = replay(tmp_path / "after", requests, app="main:app", env={"DATABASE_URL": url})
    assert before[0]["json"] == ["Ann"]
    assert [answer["status"] for answer in after] == [answer["status"] for answer in before]
    assert after == before
