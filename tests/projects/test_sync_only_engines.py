"""Databases without an async driver beside one that has one: their engines stay sync.

The code is executed before and after, with a dialect that nobody else knows.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import command, printed_anew, tree, write

_WAREHOUSE = """\
from sqlalchemy import create_engine
from sqlalchemy.dialects import registry
from sqlalchemy.orm import sessionmaker

registry.register("warehouse.rest", "sqlalchemy.dialects.sqlite.pysqlite", "SQLiteDialect_pysqlite")

NAME = "warehouse.db"
URL = "warehouse+rest:///{name}"

engine = create_engine(%s)
WarehouseSession = sessionmaker(bind=engine)
"""

_DATABASE = """\
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

engine = create_engine("sqlite:///users.db")
SessionLocal = sessionmaker(bind=engine)


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


Base.metadata.create_all(engine)


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
"""

_MAIN = """\
from fastapi import Depends, FastAPI
from sqlalchemy import text
from sqlalchemy.orm import Session

from database import User, get_db
from warehouse import WarehouseSession
from warehouse import engine as warehouse_engine

app = FastAPI()


def counted(word: str) -> int:
    with warehouse_engine.connect() as connection:
        return connection.execute(text("SELECT length(:word)"), {"word": word}).scalar_one()


@app.post("/users")
def add(name: str, db: Session = Depends(get_db)):
    db.add(User(name=name))
    db.commit()
    return {"name": name, "length": counted(name)}


@app.get("/users")
def users(db: Session = Depends(get_db)):
    return [user.name for user in db.query(User).order_by(User.id)]


@app.get("/warehouse")
def warehouse():
    with WarehouseSession() as session:
        return session.execute(text("SELECT 7")).scalar_one()
"""

_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    for method, path in (("POST", "/users?name=one"), ("GET", "/users"), ("GET", "/warehouse")):
        answer = client.request(method, path)
        print(answer.status_code, answer.text)
"""


@pytest.mark.parametrize(
    "url",
    [
        "URL.format(name=NAME)",
        'f"warehouse+rest:///{NAME}"',
        '"warehouse+rest:///" + NAME',
        '"warehouse+rest:///warehouse.db"',
    ],
    ids=["format", "f-string", "sum", "constant"],
)
def test_what_works_on_them_stays_sync(tmp_path: Path, url: str) -> None:
    files = {"warehouse": _WAREHOUSE % url, "database": _DATABASE, "main": _MAIN}
    for name, text in files.items():
        (tmp_path / f"{name}.py").write_text(text)
    before = printed_anew(tmp_path, _USE)
    assert '{"name":"one","length":3}' in before
    said = command(tmp_path, "plan", "--all", "--verbose").stdout
    assert "no async driver is known for warehouse+rest" in said
    write(tmp_path, "--all")
    assert (tmp_path / "warehouse.py").read_text() == files["warehouse"]
    main = (tmp_path / "main.py").read_text()
    assert "async def users(" in main
    assert "\ndef counted(" in main
    assert "\ndef warehouse(" in main
    assert printed_anew(tmp_path, _USE) == before
    after = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == after, "a second run changes nothing"


_OWN = """\
from sqlalchemy import create_engine, text
from sqlalchemy.dialects import registry
from sqlalchemy.orm import sessionmaker

registry.register("warehouse.rest", "sqlalchemy.dialects.sqlite.pysqlite", "SQLiteDialect_pysqlite")

URL = f"warehouse+rest:///{'warehouse.db'}"


def connected() -> int:
    engine = create_engine(URL)
    with engine.connect() as connection:
        return connection.execute(text("SELECT 7")).scalar_one()


def in_session() -> int:
    engine = create_engine(URL)
    factory = sessionmaker(bind=engine)
    with factory() as session:
        return session.execute(text("SELECT 8")).scalar_one()


if __name__ == "__main__":
    print(connected(), in_session())
"""

_CALLS_OWN = """

@app.get("/own")
def own(db: Session = Depends(get_db)):
    return [connected(), in_session(), db.query(User).count()]
"""


def test_what_makes_one_for_itself_stays_sync(tmp_path: Path) -> None:
    main = _MAIN.replace(
        "from warehouse", "from own import connected, in_session\nfrom warehouse", 1
    )
    files = {"own": _OWN, "warehouse": _WAREHOUSE % "URL.format(name=NAME)", "database": _DATABASE}
    for name, content in {**files, "main": main + _CALLS_OWN}.items():
        (tmp_path / f"{name}.py").write_text(content)
    use = _USE.replace('("GET", "/warehouse")', '("GET", "/own")')
    before = printed_anew(tmp_path, use)
    assert "200 [7,8,1]" in before
    write(tmp_path, "--all")
    assert (tmp_path / "own.py").read_text() == _OWN
    assert "async def own(" in (tmp_path / "main.py").read_text()
    assert printed_anew(tmp_path, use) == before
    assert printed_anew(tmp_path, "import runpy; runpy.run_module('own', run_name='__main__')") == (
        "7 8\n"
    )
    after = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == after, "a second run changes nothing"
