"""Jobs of a worker that take their session out of the dict which the start of a job has filled.

The code is executed before and after.
"""

from __future__ import annotations

from pathlib import Path

from support.migration import printed_anew, tree, write

_DATABASE = """\
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

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

_WORKER = """\
from sqlalchemy.orm import Session

from database import SessionLocal, User


async def on_job_start(ctx):
    db = SessionLocal()
    ctx["db"] = db
    ctx["state"] = {}


async def on_job_end(ctx):
    db = ctx["db"]
    db.close()


def found(db: Session, key: int) -> User:
    return db.query(User).filter(User.id == key).one()


async def rename(ctx, key: int, name: str):
    db: Session = ctx["db"]
    ctx["state"]["old"] = found(db, key).name
    found(db, key).name = name
    db.commit()
    return ctx["state"]["old"], found(db, key).name


async def count(ctx):
    return ctx["db"].query(User).count()


class WorkerSettings:
    on_job_start = on_job_start
    on_job_end = on_job_end
    functions = [rename, count]
"""

_MAIN = """\
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

from database import User, get_db

app = FastAPI()


@app.post("/users")
def add(name: str, db: Session = Depends(get_db)):
    db.add(User(name=name))
    db.commit()
    return name


@app.get("/users")
def users(db: Session = Depends(get_db)):
    return [user.name for user in db.query(User).order_by(User.id)]
"""

_USE = """
import asyncio, warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
from worker import WorkerSettings
async def run(name, *args):
    ctx = {}
    await WorkerSettings.on_job_start(ctx)
    job = {function.__name__: function for function in WorkerSettings.functions}[name]
    print(await job(ctx, *args))
    await WorkerSettings.on_job_end(ctx)
with TestClient(app) as client:
    print(client.post("/users", params={"name": "one"}).text)
asyncio.run(run("rename", 1, "two"))
asyncio.run(run("count"))
with TestClient(app) as client:
    print(client.get("/users").text)
"""


def test_they_stay_on_the_sync_session_that_is_put_there(tmp_path: Path) -> None:
    for name, text in {"database": _DATABASE, "worker": _WORKER, "main": _MAIN}.items():
        (tmp_path / f"{name}.py").write_text(text)
    before = printed_anew(tmp_path, _USE)
    assert '["two"]' in before
    write(tmp_path, "--all")
    worker = (tmp_path / "worker.py").read_text()
    assert "db: Session = ctx" in worker
    assert "await db." not in worker
    assert "async def users(" in (tmp_path / "main.py").read_text()
    assert printed_anew(tmp_path, _USE) == before
    after = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == after, "a second run changes nothing"
