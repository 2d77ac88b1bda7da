"""A factory of requests that is async already, beside a sync one of a script or a job.

Code that stays sync gets sessions of the first that it can use, in the first run. The code is
executed after it.
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
