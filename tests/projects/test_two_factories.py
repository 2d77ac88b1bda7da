"""A factory that is async already beside a sync one, which may be that of requests, or a script's.

Code that stays sync gets sessions of the one of requests, in the first run and in any later one.
The code is executed after it.
"""

from __future__ import annotations

from pathlib import Path

from support.migration import command, printed_anew, tree, write, written

_DATABASE = """\
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

engine = create_async_engine("sqlite+aiosqlite:///users.db")
SessionLocal = async_sessionmaker(bind=engine, expire_on_commit=False)


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


async def get_db():
    async with SessionLocal() as session:
        yield session
"""

_SEED = """\
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from database import Base, User

seed_engine = create_engine("sqlite:///users.db")
SeedSession = sessionmaker(bind=seed_engine)

Base.metadata.create_all(seed_engine)
session = SeedSession()
session.add(User(name="seed"))
session.commit()
session.close()
"""

_MAIN = """\
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

import seed
from database import User, get_db

app = FastAPI()


@app.get("/names")
async def names(db: Session = Depends(get_db)):
    return [user.name for user in db.query(User)]


@app.post("/names")
def save(name: str, db: Session = Depends(get_db)):
    db.bulk_save_objects([User(name=name)])
    db.commit()
    return db.query(User).count()
"""

_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    print(client.post("/names?name=a").text, client.get("/names").text)
"""


def test_code_that_stays_sync_works_at_once(tmp_path: Path) -> None:
    files = {"database.py": _DATABASE, "seed.py": _SEED, "main.py": _MAIN, "pyproject.toml": ""}
    folder = written(tmp_path / "app", files)
    write(folder, "--all")
    assert (
        "def save(name: str, db: Session = Depends(get_sync_db))"
        in (folder / "main.py").read_text()
    )
    assert printed_anew(folder, _USE) == '2 ["seed","a"]\n'
    assert command(folder, "verify").stdout == "Nothing found.\n"
    done = tree(folder)
    write(folder, "--all", "--allow-dirty")
    assert tree(folder) == done, "a second run changes nothing"


_ASYNC_BESIDE = """\
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

report_engine = create_async_engine("sqlite+aiosqlite:///users.db")
ReportSession = sessionmaker(bind=report_engine, class_=AsyncSession, expire_on_commit=False)

engine = create_engine("sqlite:///users.db")
SessionLocal = sessionmaker(bind=engine)


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


Base.metadata.create_all(engine)


def get_session() -> Session:
    return SessionLocal()


def get_db():
    session = get_session()
    try:
        yield session
    finally:
        session.close()
"""

_TWO_WORLDS = """\
from fastapi import Depends, FastAPI
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from database import ReportSession, User, get_db

app = FastAPI()


@app.get("/count")
async def count():
    async with ReportSession() as session:
        return await session.scalar(select(func.count()).select_from(User))


@app.get("/names")
def names(db: Session = Depends(get_db)):
    return [user.name for user in db.query(User)]


@app.post("/names")
def save(name: str, db: Session = Depends(get_db)):
    db.bulk_save_objects([User(name=name)])
    db.commit()
    return db.query(User).count()
"""

_USE_BOTH = f"""{_USE}    print(client.get("/count").text)
"""


def test_only_the_factory_of_what_stays_sync_is_told_to_serve_it(tmp_path: Path) -> None:
    files = {"database.py": _ASYNC_BESIDE, "main.py": _TWO_WORLDS, "pyproject.toml": ""}
    folder = written(tmp_path / "app", files)
    assert printed_anew(folder, _USE_BOTH) == '1 ["a"]\n1\n'
    write(folder, "--all")
    text = (folder / "database.py").read_text()
    assert "SessionLocal.configure(sync_session_class=HopSession)" in text
    assert "ReportSession.configure" not in text
    assert printed_anew(folder, _USE_BOTH) == '1 ["a"]\n1\n'
    done = tree(folder)
    write(folder, "--all", "--allow-dirty")
    assert tree(folder) == done, "a second run changes nothing"
    steps = written(tmp_path / "steps", files)
    for route in ("GET /names", "POST /names"):
        write(steps, "--route", route, "--allow-dirty")
        assert printed_anew(steps, _USE_BOTH) == '1 ["a"]\n1\n'
    write(steps, "--all", "--allow-dirty")
    assert tree(steps) == done
