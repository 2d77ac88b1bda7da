"""Leaks of known shapes, planted in code as applications have it, each with its right twin.

A shape is a few lines that work with `item`; a surrounding is the code they are planted in. Both
texts of a shape do the same work: `wrong` leaks, `right` does not.
"""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Iterator

DB = """\
from contextlib import contextmanager

from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

URL = "postgresql:///shop"
engine = create_engine(URL)
SessionLocal = sessionmaker(engine)
AsyncSessionLocal = async_sessionmaker(create_async_engine("postgresql+asyncpg:///shop"))


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    done: Mapped[bool]


def get_db():
    with SessionLocal() as db:
        yield db


async def get_async_db():
    async with AsyncSessionLocal() as db:
        yield db
"""

HEAD = """\
import logging
import time
from contextlib import closing, contextmanager
from threading import Thread

import requests
from fastapi import APIRouter, BackgroundTasks, Depends
from sqlalchemy import create_engine, select, text
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from app.db import URL, AsyncSessionLocal, Item, SessionLocal, engine, get_async_db, get_db
from app.registry import Container

logger = logging.getLogger(__name__)
router = APIRouter()


def index(item_id):
    with SessionLocal() as db:
        db.get(Item, item_id)
"""

SURROUNDINGS = {
    "route": """\
@router.post("/items/{item_id}")
{async}def change_item(item_id: int, tasks: BackgroundTasks):
    logger.info("item %s changes", item_id)
    {code}
    return {"id": item_id}
""",
    "service method": """\
class ItemService:
    def __init__(self, limit):
        self.limit = limit

    {async}def change(self, item_id, tasks):
        if item_id > self.limit:
            raise ValueError(item_id)
        {code}
        return item_id
""",
    "job loop": """\
{async}def run_jobs(queue, tasks):
    for item_id in queue:
        if item_id is None:
            continue
        {code}
        logger.info("item %s done", item_id)
""",
    "nested try and with": """\
{async}def import_items(path, tasks):
    with open(path) as lines:
        try:
            for line in lines:
                item_id = int(line)
                {code}
        except OSError:
            logger.exception("cannot read %s", path)
            raise
""",
    "helper": """\
{async}def _apply(item_id, tasks):
    {code}


{async}def apply_all(item_ids, tasks):
    for item_id in item_ids:
        {await}_apply(item_id, tasks)
""",
}


@dataclasses.dataclass(frozen=True)
class Shape:
    """`top` texts stand at the module's top level, before the surrounding."""

    name: str
    wrong: str = ""
    right: str = ""
    top_wrong: str = ""
    top_right: str = ""
    is_async: bool = False


@dataclasses.dataclass(frozen=True)
class Plant:
    """One shape in one surrounding."""

    shape: str
    surrounding: str
    wrong: str
    right: str


_SAVE = """\
db = SessionLocal()
item = db.get(Item, item_id)
item.done = True
db.commit()
"""

SHAPES = (
    Shape(
        "session never closed",
        wrong=_SAVE,
        right="""\
with SessionLocal() as db:
    item = db.get(Item, item_id)
    item.done = True
    db.commit()
""",
    ),
    Shape(
        "early way round the close",
        wrong="""\
db = SessionLocal()
item = db.get(Item, item_id)
if item is not None:
    item.done = True
    db.commit()
    db.close()
""",
        right="""\
db = SessionLocal()
try:
    item = db.get(Item, item_id)
    if item is not None:
        item.done = True
        db.commit()
finally:
    db.close()
""",
    ),
    Shape(
        "close outside finally",
        wrong=_SAVE + "db.close()\n",
        right="""\
db = SessionLocal()
try:
    item = db.get(Item, item_id)
    item.done = True
    db.commit()
except Exception:
    db.rollback()
    raise
finally:
    db.close()
""",
    ),
    Shape(
        "generator without finally",
        wrong="with session_scope() as db:\n    db.get(Item, item_id).done = True\n",
        right="with session_scope() as db:\n    db.get(Item, item_id).done = True\n",
        top_wrong="""\
@contextmanager
def session_scope():
    db = SessionLocal()
    yield db
    db.commit()
    db.close()
""",
        top_right="""\
@contextmanager
def session_scope():
    db = SessionLocal()
    try:
        yield db
        db.commit()
    except Exception:
        db.rollback()
        raise
    finally:
        db.close()
""",
    ),
    Shape(
        "session of the container",
        wrong="""\
db = Container.resolve("db_session")
count = db.execute(text("SELECT count(*) FROM items")).scalar()
logger.info("%s of %s", item_id, count)
""",
        right="""\
db = Container.resolve("db_session")
try:
    count = db.execute(text("SELECT count(*) FROM items")).scalar()
finally:
    db.close()
logger.info("%s of %s", item_id, count)
""",
    ),
    Shape(
        "factory in the registry",
        wrong='Container.register(f"db_{item_id}", SessionLocal)\n',
        right='Container.register(f"engine_{item_id}", engine)\n',
    ),
    Shape(
        "session of the module",
        wrong="item = shared.get(Item, item_id)\nitem.done = True\nshared.commit()\n",
        right="""\
with Shared() as shared:
    item = shared.get(Item, item_id)
    item.done = True
    shared.commit()
""",
        top_wrong="Shared = sessionmaker(engine)\nshared = Shared()\n",
        top_right="Shared = sessionmaker(engine)\n",
    ),
    Shape(
        "dependency that returns",
        wrong="index(item_id)\n",
        right="index(item_id)\n",
        top_wrong="""\
def get_session():
    return SessionLocal()


@router.get("/count")
def count(db: Session = Depends(get_session)):
    return db.query(Item).count()
""",
        top_right="""\
def get_session():
    with SessionLocal() as db:
        yield db


@router.get("/count")
def count(db: Session = Depends(get_session)):
    return db.query(Item).count()
""",
    ),
    Shape(
        "abandoned generator",
        wrong="""\
async for db in get_async_db():
    item = await db.get(Item, item_id)
    await db.delete(item)
    await db.commit()
    break
""",
        right="""\
async with AsyncSessionLocal() as db:
    item = await db.get(Item, item_id)
    await db.delete(item)
    await db.commit()
""",
        is_async=True,
    ),
    Shape(
        "next of the dependency",
        wrong="db = next(get_db())\ndb.get(Item, item_id).done = True\ndb.commit()\n",
        right="""\
with contextmanager(get_db)() as db:
    db.get(Item, item_id).done = True
    db.commit()
""",
    ),
    Shape(
        "session of an object",
        wrong="Store().mark(item_id)\n",
        right="""\
store = Store()
try:
    store.mark(item_id)
finally:
    store.close()
""",
        top_wrong="""\
class Store:
    def __init__(self):
        self.db = SessionLocal()

    def mark(self, item_id):
        self.db.get(Item, item_id).done = True
        self.db.commit()
""",
        top_right="""\
class Store:
    def __init__(self):
        self.db = SessionLocal()

    def mark(self, item_id):
        self.db.get(Item, item_id).done = True
        self.db.commit()

    def close(self):
        self.db.close()
""",
    ),
    Shape(
        "session for a thread",
        wrong="""\
with SessionLocal() as db:
    item = db.get(Item, item_id)
    Thread(target=publish, args=(db, item.id)).start()
""",
        right="""\
with SessionLocal() as db:
    item = db.get(Item, item_id)
    Thread(target=index, args=(item.id,)).start()
""",
        top_wrong="""\
def publish(db: Session, item_id):
    logger.info("published %s", db.get(Item, item_id).name)
""",
    ),
    Shape(
        "session for a background task",
        wrong="""\
with SessionLocal() as db:
    item = db.get(Item, item_id)
    tasks.add_task(publish, db, item.id)
""",
        right="""\
with SessionLocal() as db:
    item = db.get(Item, item_id)
    tasks.add_task(index, item.id)
""",
        top_wrong="""\
def publish(db: Session, item_id):
    logger.info("published %s", db.get(Item, item_id).name)
""",
    ),
    Shape(
        "engine per call",
        wrong="""\
own = create_engine(URL)
with own.begin() as connection:
    connection.execute(text("UPDATE items SET done = true WHERE id = :id"), {"id": item_id})
""",
        right="""\
own = create_engine(URL)
try:
    with own.begin() as connection:
        connection.execute(text("UPDATE items SET done = true WHERE id = :id"), {"id": item_id})
finally:
    own.dispose()
""",
    ),
    Shape(
        "scoped session that is not removed",
        wrong="registry.get(Item, item_id).done = True\nregistry.commit()\n",
        right="""\
try:
    registry.get(Item, item_id).done = True
    registry.commit()
finally:
    registry.remove()
""",
        top_wrong="registry = scoped_session(SessionLocal)\n",
        top_right="registry = scoped_session(SessionLocal)\n",
    ),
    Shape(
        "used after its block",
        wrong="""\
with SessionLocal() as db:
    item = db.get(Item, item_id)
item.done = True
db.add(item)
db.commit()
""",
        right="""\
with SessionLocal() as db:
    item = db.get(Item, item_id)
    item.done = True
    db.add(item)
    db.commit()
""",
    ),
    Shape(
        "waits with an open transaction",
        wrong="""\
with SessionLocal() as db:
    item = db.get(Item, item_id)
    requests.post("https://hooks.example/items", json={"name": item.name})
    item.done = True
    db.commit()
""",
        right="""\
with SessionLocal() as db:
    name = db.get(Item, item_id).name
requests.post("https://hooks.example/items", json={"name": name})
with SessionLocal() as db:
    db.get(Item, item_id).done = True
    db.commit()
""",
    ),
    Shape(
        "commit missing",
        wrong="""\
with SessionLocal() as db:
    db.add(Item(id=item_id, name="new", done=False))
    db.flush()
""",
        right="""\
with SessionLocal() as db:
    db.add(Item(id=item_id, name="new", done=False))
    db.commit()
""",
    ),
    Shape(
        "failure swallowed",
        wrong="""\
with SessionLocal() as db:
    try:
        db.add(Item(id=item_id, name="new", done=False))
        db.commit()
    except Exception:
        logger.exception("not added")
    names = db.scalars(select(Item.name)).all()
    logger.info("%s", names)
""",
        right="""\
with SessionLocal() as db:
    try:
        db.add(Item(id=item_id, name="new", done=False))
        db.commit()
    except Exception:
        logger.exception("not added")
        db.rollback()
    names = db.scalars(select(Item.name)).all()
    logger.info("%s", names)
""",
    ),
    Shape(
        "connection not closed",
        wrong="""\
connection = engine.connect()
rows = connection.execute(text("SELECT name FROM items WHERE id = :id"), {"id": item_id}).all()
logger.info("%s", rows)
""",
        right="""\
with engine.connect() as connection:
    rows = connection.execute(text("SELECT name FROM items WHERE id = :id"), {"id": item_id}).all()
logger.info("%s", rows)
""",
    ),
)


def plants() -> Iterator[Plant]:
    """Every shape in every surrounding."""
    for shape in SHAPES:
        for name, surrounding in SURROUNDINGS.items():
            wrong = _module(shape, surrounding, shape.top_wrong, shape.wrong)
            right = _module(shape, surrounding, shape.top_right, shape.right)
            yield Plant(shape.name, name, wrong, right)


def _module(shape: Shape, surrounding: str, top: str, code: str) -> str:
    lines = []
    for line in surrounding.splitlines():
        if line.strip() == "{code}":
            lines.append(textwrap.indent(code.rstrip("\n"), line.partition("{")[0]))
        else:
            marks = ("async ", "await ") if shape.is_async else ("", "")
            lines.append(line.replace("{async}", marks[0]).replace("{await}", marks[1]))
    return "\n\n".join([HEAD, *([f"\n{top}"] if top else []), "\n" + "\n".join(lines) + "\n"])
